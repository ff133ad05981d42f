package incident

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// Lineage is a token with everything that it came from and everything that came
// from it, as the book has it.
type Lineage struct {
	Asked  string    `json:"asked"`
	At     time.Time `json:"at"`
	Tokens int       `json:"tokens"`
	Live   int       `json:"live"`
	Root   *Branch   `json:"root"`
	// Loose are tokens of the same family whose parent the book does not have.
	Loose []*Branch `json:"loose,omitempty"`
}

// Branch is one token of a family.
type Branch struct {
	ID       string    `json:"jti"`
	Subject  string    `json:"sub"`
	Client   string    `json:"client_id"`
	Actors   []string  `json:"act,omitempty"`
	Audience string    `json:"aud"`
	Scope    string    `json:"scope,omitempty"`
	Task     string    `json:"task,omitempty"`
	Issued   time.Time `json:"iat"`
	Expires  time.Time `json:"exp"`
	Record   uint64    `json:"record"`
	State    string    `json:"state"` // live, expired, revoked, task_ended or task_paused
	Since    time.Time `json:"since,omitzero"`
	Death    uint64    `json:"death_record,omitempty"` // the record that called it back
	Children []*Branch `json:"children,omitempty"`

	key string
}

// ErrNoToken: the book has no record that the token was minted.
var ErrNoToken = errors.New("the book has no record that this token was minted")

// minted reports an event that tells of a token that was made.
func minted(e event.Event) bool { return e.Type == event.Issued || e.Type == event.Exchanged }

// Lineage finds the family of a token by its jti.
func (r *Room) Lineage(ctx context.Context, jti string) (Lineage, error) {
	root, err := r.rootOf(ctx, jti)
	if err != nil {
		return Lineage{}, err
	}
	l := Lineage{Asked: jti, At: r.Now().UTC()}
	all := map[string]*Branch{}
	var order []*Branch
	parents := map[string]string{}
	for rec, err := range r.Book.Find(ctx, store.Query{Lineage: root}) {
		if err != nil {
			return Lineage{}, fmt.Errorf("reading the book: %w", err)
		}
		if e := rec.Event; minted(e) && e.Token != nil && all[e.Token.ID] == nil {
			b := branch(rec)
			all[b.ID], parents[b.ID] = b, e.Token.Parent
			order = append(order, b)
		}
	}
	d, err := r.deaths(ctx, order)
	if err != nil {
		return Lineage{}, err
	}
	for _, b := range order {
		parent := all[parents[b.ID]]
		switch {
		case b.ID == root:
			l.Root = b
		case parent != nil:
			parent.Children = append(parent.Children, b)
		default:
			l.Loose = append(l.Loose, b)
		}
	}
	for _, top := range slices.Concat([]*Branch{l.Root}, l.Loose) {
		d.judge(top, fate{}, l.At)
	}
	for _, b := range order {
		l.Tokens++
		if b.State == "live" {
			l.Live++
		}
	}
	return l, nil
}

// rootOf finds the id of the first token of the family.
func (r *Room) rootOf(ctx context.Context, jti string) (string, error) {
	for rec, err := range r.Book.Find(ctx, store.Query{TokenID: jti}) {
		if err != nil {
			return "", fmt.Errorf("reading the book: %w", err)
		}
		if e := rec.Event; minted(e) && e.Token != nil {
			return e.Token.Lineage, nil
		}
	}
	return "", ErrNoToken
}

func branch(rec store.Record) *Branch {
	t := rec.Event.Token
	return &Branch{
		ID: t.ID, Subject: t.Subject, Client: t.Client, Actors: t.Actors, Audience: strings.Join(t.Audience, " "), Scope: t.Scope,
		Task: t.Task, Issued: t.IssuedAt, Expires: t.Expires, Record: rec.Number, key: t.KeyID,
	}
}

// deaths is what called back tokens of a family.
type deaths struct {
	tokens map[string]store.Record
	tasks  map[string]store.Record // the last word about each
	wide   []store.Record          // revocations of parties, resources and keys
}

// deaths reads what happened since the first token of the family was made.
func (r *Room) deaths(ctx context.Context, family []*Branch) (deaths, error) {
	d := deaths{tokens: map[string]store.Record{}, tasks: map[string]store.Record{}}
	if len(family) == 0 {
		return d, nil
	}
	types := []event.Type{event.Revoked, event.TaskPaused, event.TaskResumed, event.TaskEnded}
	from := family[0].Issued.Add(-narrowcast.MaxSkew)
	for rec, err := range r.Book.Find(ctx, store.Query{Types: types, From: from}) {
		if err != nil {
			return d, fmt.Errorf("reading the book: %w", err)
		}
		e := rec.Event
		switch {
		case e.Task != nil:
			d.tasks[e.Task.ID] = rec
		case e.Revocation == nil:
		case e.Revocation.Kind == "token":
			d.tokens[e.Revocation.ID] = rec
		default:
			d.wide = append(d.wide, rec)
		}
	}
	return d, nil
}

// fate is what became of a token, by which record; the zero fate is none.
type fate struct {
	state  string
	since  time.Time
	record uint64
}

func fateOf(state string, rec store.Record) fate { return fate{state, rec.Event.Time, rec.Number} }

// judge says what became of a token and of all that came from it: what kills a
// token kills its descendants.
func (d deaths) judge(b *Branch, above fate, now time.Time) {
	if b == nil {
		return
	}
	if above.state == "" {
		above = d.of(b)
	}
	b.State, b.Since, b.Death = above.state, above.since, above.record
	switch {
	case above.state != "":
	case now.Before(b.Expires):
		b.State = "live"
	default:
		b.State, b.Since = "expired", b.Expires
	}
	if above.state != "revoked" { // a child in the same task finds it itself
		above = fate{}
	}
	for _, child := range b.Children {
		d.judge(child, above, now)
	}
}

func (d deaths) of(b *Branch) fate {
	if rec, dead := d.tokens[b.ID]; dead {
		return fateOf("revoked", rec)
	}
	for _, rec := range d.wide {
		if v := rec.Event.Revocation; !b.Issued.After(v.Before) && concerns(v.Kind, v.ID, b) {
			return fateOf("revoked", rec)
		}
	}
	switch rec := d.tasks[b.Task]; rec.Event.Type {
	case event.TaskEnded:
		return fateOf("task_ended", rec)
	case event.TaskPaused:
		return fateOf("task_paused", rec)
	}
	return fate{}
}

func concerns(kind, id string, b *Branch) bool {
	switch kind {
	case "party":
		return id == b.Client || id == b.Subject || slices.Contains(b.Actors, id)
	case "resource":
		return id == b.Audience
	case "key":
		return id == b.key
	}
	return false
}

// WriteText draws the family as a tree, from the sponsor to the leaves.
func (l Lineage) WriteText(w io.Writer) error {
	p := &printer{w: w}
	if l.Root != nil {
		p.line("%s asked first, as %s", word(l.Root.Client), word(l.Root.Subject))
		l.draw(p, l.Root, "", true)
	}
	for _, b := range l.Loose {
		p.line("its parent is not in the book:")
		l.draw(p, b, "", true)
	}
	p.line("")
	p.line("%d of %d tokens live at %s", l.Live, l.Tokens, stamp(l.At))
	return p.err
}

func (l Lineage) draw(p *printer, b *Branch, indent string, last bool) {
	fork, below := "├─ ", "│  "
	if last {
		fork, below = "└─ ", "   "
	}
	mark := ""
	if b.ID == l.Asked {
		mark = "  <- asked"
	}
	state := b.State
	if !b.Since.IsZero() {
		state += " since " + stamp(b.Since)
	}
	p.line("%s%s%s  for %s%s", indent, fork, word(b.ID), word(b.Audience), mark)
	p.line("%s%s     %s", indent, below, l.who(b))
	p.line("%s%s     %s to %s, %s", indent, below, stamp(b.Issued), stamp(b.Expires), state)
	for i, child := range b.Children {
		l.draw(p, child, indent+below, i == len(b.Children)-1)
	}
}

func (l Lineage) who(b *Branch) string {
	text := "held by " + word(b.Client)
	if len(b.Actors) > 0 {
		text += ", acting for " + word(b.Subject)
	}
	if b.Scope != "" {
		text += ", scope " + words(b.Scope)
	}
	if b.Task != "" {
		text += ", task " + word(b.Task)
	}
	return text
}
