package trust

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/narrowcast-io/narrowcast"
	"github.com/narrowcast-io/narrowcast/jwks"
	"github.com/narrowcast-io/narrowcast/service/internal/trust/fetch"
)

const maxMetadata = 256 << 10

// keySet are the keys of one issuer.
type keySet map[narrowcast.KeyID]narrowcast.Key

// discovered are the keys of an issuer that says itself where they are (OpenID
// Connect Discovery 1.0 section 4). The place is asked for again with each load,
// since it may move.
type discovered struct {
	issuer string
	client *http.Client
	keeper *fetch.Keeper[keySet]
}

func newDiscovered(issuer string, now func() time.Time, client *http.Client, notice func(error)) (*discovered, error) {
	if err := fetch.CheckURL(issuer); err != nil {
		return nil, fmt.Errorf("its identifier, below which discovery looks: %w", err)
	}
	d := &discovered{issuer: issuer, client: client}
	d.keeper = fetch.NewKeeper(fetch.KeeperConfig[keySet]{
		Load: d.load, Now: now, Between: jwks.DefaultBetween, Cold: time.Second,
		KeepFor: jwks.DefaultKeepFor, Timeout: 2 * jwks.DefaultTimeout, Notice: notice,
	})
	return d, nil
}

func (d *discovered) load(ctx context.Context) (keySet, time.Duration, error) {
	metadata, err := fetch.Get(ctx, d.client, strings.TrimSuffix(d.issuer, "/")+"/.well-known/openid-configuration", maxMetadata)
	if err != nil {
		return nil, 0, err
	}
	place, err := jwksURI(metadata, d.issuer)
	if err != nil {
		return nil, 0, fmt.Errorf("discovery of %s: %w", d.issuer, err)
	}
	document, err := fetch.Get(ctx, d.client, place, jwks.MaxBytes)
	if err != nil {
		return nil, 0, err
	}
	keys, err := jwks.Parse(document, jwks.Options{Algorithm: assigned})
	if err != nil {
		return nil, 0, fmt.Errorf("fetching %s: %w", place, err)
	}
	set := make(keySet, len(keys))
	for _, key := range keys {
		set[key.ID()] = key
	}
	return set, jwks.DefaultMaxAge, nil
}

// jwksURI reads where the keys are. The document must speak of the issuer that
// was asked, in the same spelling (section 4.3).
func jwksURI(metadata []byte, issuer string) (string, error) {
	top, err := fetch.Object(metadata)
	if err != nil {
		return "", err
	}
	said, err := top.Text("issuer")
	if err != nil || said != issuer {
		return "", errors.New("the document speaks of another issuer")
	}
	place, err := top.Text("jwks_uri")
	if err != nil {
		return "", err
	}
	if err := fetch.CheckURL(place); err != nil {
		return "", fmt.Errorf("jwks_uri %w", err)
	}
	from, err := url.Parse(issuer)
	if err != nil {
		return "", err
	}
	to, err := url.Parse(place)
	if err != nil {
		return "", err
	}
	// Plain http, which CheckURL lets pass on loopback, must not lead from an
	// issuer to another server of the machine.
	if to.Scheme != "https" && !fetch.SameOrigin(from, to) {
		return "", errors.New("jwks_uri must be https")
	}
	return place, nil
}

// Key returns the key with this id; an unknown one makes it look anew.
func (d *discovered) Key(ctx context.Context, id narrowcast.KeyID) (narrowcast.Key, error) {
	set, err := d.keeper.Get(ctx)
	if err != nil {
		return narrowcast.Key{}, err
	}
	if key, held := set[id]; held {
		return key, nil
	}
	set, err = d.keeper.Renew(ctx)
	if key, held := set[id]; held {
		return key, nil
	}
	if err != nil {
		return narrowcast.Key{}, err
	}
	return narrowcast.Key{}, narrowcast.ErrKeyUnknown
}

// Peek returns a key that is held now.
func (d *discovered) Peek(id narrowcast.KeyID) (narrowcast.Key, bool) {
	set, _ := d.keeper.Held()
	key, held := set[id]
	return key, held
}
