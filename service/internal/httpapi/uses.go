package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/service/internal/uses"
)

// Uses keeps which tokens for one use were used. A *uses.Desk is one.
type Uses interface {
	Use(ctx context.Context, u uses.Use) (first bool, err error)
}

const (
	usesPath = "/uses"
	scopeUse = "use"
	maxUse   = 4 << 10
)

// usesDoor makes the door at which guards ask whether a token was used.
func (a *API) usesDoor(writer string) (err error) {
	if a.config.Uses != nil {
		a.users, err = a.door(writer, usesPath, scopeUse)
	}
	return err
}

func (a *API) usesRoutes() []route {
	if a.config.Uses == nil {
		return nil
	}
	return []route{
		{a.path + usesPath, usesPath, []string{http.MethodPost}, a.behind(a.users, usesPath, a.use)},
		{a.users.guard.MetadataPath(), "/.well-known", []string{http.MethodGet, http.MethodHead}, plain(a.users.guard.Metadata())},
	}
}

// useBody is a token that is being used, and where.
type useBody struct {
	Audience string `json:"aud"`
	Token    string `json:"jti"`
	Until    int64  `json:"until"` // seconds since 1970
}

// use answers whether this is the first time. Only a verifier of the resource may
// use up its tokens.
func (a *API) use(w *reply, r *http.Request) {
	u, ok := readUse(w, r)
	if !ok {
		w.fail(http.StatusBadRequest, "invalid_request", "The body must be one JSON object with the members aud, jti and until.")
		return
	}
	if u.By = w.client; !a.config.MayReport(u.By, u.Audience) {
		w.fail(http.StatusForbidden, "forbidden", "Only a verifier of the resource may say that its token was used.")
		return
	}
	first, err := a.config.Uses.Use(r.Context(), u)
	switch {
	case errors.Is(err, uses.ErrUse):
		w.fail(http.StatusBadRequest, "invalid_request", "The end lies in the past, or too far ahead.")
	case err != nil:
		a.bookFailed(w, err)
	default:
		w.json(http.StatusOK, struct {
			First bool `json:"first"`
		}{first})
	}
}

func readUse(w *reply, r *http.Request) (uses.Use, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w.ResponseWriter, r.Body, maxUse))
	if err != nil || !exactMembers(body, "aud", "jti", "until") || holdsToken(body) {
		return uses.Use{}, false
	}
	var b useBody
	if json.Unmarshal(body, &b) != nil {
		return uses.Use{}, false
	}
	audience, wrong := narrowcast.ParseAudience(b.Audience)
	id, err := narrowcast.ParseTokenID(b.Token)
	if err := errors.Join(wrong, err); err != nil || b.Until <= 0 || b.Until > 1<<40 {
		return uses.Use{}, false
	}
	return uses.Use{Audience: audience, Token: id, Until: time.Unix(b.Until, 0)}, true
}
