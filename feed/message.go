package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// MediaType is that of the stream (WHATWG HTML, server-sent events).
const MediaType = "text/event-stream"

// Heartbeat is how often an issuer sends an At when there is nothing else to tell.
const Heartbeat = time.Second

// Message is a [Reset], an [Entry] or an [At].
type Message interface {
	// Append writes the message as an event of the stream behind b. It fails for a
	// message that no reader would take.
	Append(b []byte) ([]byte, error)
}

// Reset says to forget everything: the entries until the next At are the whole
// state.
type Reset struct {
	Position uint64 `json:"position"`
}

// At says that everything up to a record of the book was sent. It is the heartbeat
// too, and the only message after which a reader may resume.
type At struct {
	Position uint64    `json:"position"`
	AsOf     time.Time `json:"as_of"` // by the issuer's clock
	// Now is when the message was written, by the same clock; zero when nobody says. A
	// reader that knows when it asked learns how the clocks stand to each other.
	Now time.Time `json:"now,omitzero"`
	// StaleAfter is how old what is known may become, in whole seconds, and WhenStale
	// what then happens to tokens, as the registry says for the resource.
	StaleAfter int       `json:"stale_after"`
	WhenStale  WhenStale `json:"when_stale"`
}

// WhenStale is what happens to tokens when what is known of revocations is too old.
type WhenStale string

// The choices. The empty one is neither and must be settled by somebody else.
const (
	Refuse WhenStale = "refuse"
	Accept WhenStale = "accept" // but for those that are known to be dead
)

// Bounds of the time after which a state is stale.
const (
	MinStaleAfter = 2 * time.Second
	MaxStaleAfter = time.Hour
)

// Append writes the message, see [Message].
func (r Reset) Append(b []byte) ([]byte, error) { return appendEvent(b, "reset", r) }

// Append writes the message, see [Message].
func (e Entry) Append(b []byte) ([]byte, error) {
	if err := e.check(); err != nil {
		return b, fmt.Errorf("feed: %w", err)
	}
	return appendEvent(b, "entry", e)
}

// Append writes the message, see [Message]. The position is its id.
func (a At) Append(b []byte) ([]byte, error) {
	if err := a.check(); err != nil {
		return b, fmt.Errorf("feed: %w", err)
	}
	b = append(b, "id: "...)
	b = strconv.AppendUint(b, a.Position, 10)
	return appendEvent(append(b, '\n'), "at", a)
}

func (a *At) check() error {
	switch limit := a.staleAfter(); {
	case a.AsOf.IsZero():
		return errors.New("an at without as_of")
	case limit < MinStaleAfter || limit > MaxStaleAfter:
		return errors.New("an at whose stale_after is out of bounds")
	case a.WhenStale != Refuse && a.WhenStale != Accept:
		return errors.New("an at whose when_stale is not known")
	}
	return nil
}

// staleAfter does not overflow.
func (a *At) staleAfter() time.Duration {
	return time.Duration(min(max(a.StaleAfter, 0), 1<<20)) * time.Second
}

// appendEvent writes one line of data: JSON has no line break inside.
func appendEvent(b []byte, name string, value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return b, fmt.Errorf("feed: writing a message: %w", err)
	}
	b = append(append(append(b, "event: "...), name...), "\ndata: "...)
	return append(append(b, data...), "\n\n"...), nil
}

// decode reads the data of an event. An event of another name is not for this
// reader, and nil.
func decode(name, id string, data []byte) (Message, error) {
	switch name {
	case "reset":
		var said struct{ Position *uint64 }
		if json.Unmarshal(data, &said) != nil || said.Position == nil {
			return nil, errors.New("a reset that cannot be read")
		}
		return Reset{*said.Position}, nil
	case "entry":
		var e Entry
		if json.Unmarshal(data, &e) != nil {
			return nil, errors.New("an entry that cannot be read")
		}
		return e, e.check()
	case "at":
		var a At
		if json.Unmarshal(data, &a) != nil {
			return nil, errors.New("an at that cannot be read")
		}
		if id != strconv.FormatUint(a.Position, 10) {
			return nil, errors.New("an at whose id is not its position")
		}
		return a, a.check()
	}
	return nil, nil
}
