// Package token keeps signing keys in a PKCS #11 token: a hardware module, or
// SoftHSM. Keys are made in the token, are sensitive, and cannot be taken out.
//
// The library of the vendor runs in this process. When the token or a session
// goes away, the process ends, and whoever started it starts it again.
package token

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
)

// Config says which token is opened and how.
type Config struct {
	Module   string // path of the vendor's library
	Label    string // of the token; this or Slot
	Slot     *uint
	PIN      string // of the user; it is tried once
	Prefix   string // of the labels of keys; keys with other labels are not seen
	RSABits  int    // of new keys for RS256: 2048, 3072 or 4096
	Sessions int    // how many signatures are made at once, 1 to 64
	// Gone is called once, when the token can no longer be used.
	Gone func(why error)

	_ struct{}
}

func (c *Config) check() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(c.Module != "", "a module is required")
	require((c.Label != "") != (c.Slot != nil), "either the label of the token or its slot is required")
	require(c.PIN != "", "a PIN is required")
	require(c.Prefix != "" && protocol.Printable(c.Prefix, 64), "the label of keys must have 1 to 64 printable characters")
	require(slices.Contains([]int{2048, 3072, 4096}, c.RSABits), "RSA keys have 2048, 3072 or 4096 bits")
	require(c.Sessions >= 1 && c.Sessions <= 64, "between 1 and 64 sessions are possible")
	require(c.Gone != nil, "Gone is required")
	return errors.Join(errs...)
}

// Token is an open token. It is a protocol.Keeper.
type Token struct {
	config   Config
	module   *pkcs11.Ctx
	slot     uint
	offers   []string
	sessions chan pkcs11.SessionHandle
	gone     sync.Once

	lock  sync.Mutex
	known map[string]object
}

// Open opens the token and logs in. A PIN that is refused is an error with the
// code protocol.Locked: it must not be tried again, because tokens count.
func Open(c Config) (*Token, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	module := pkcs11.New(c.Module)
	if module == nil {
		return nil, fmt.Errorf("%s cannot be loaded as a PKCS #11 module", c.Module)
	}
	if err := module.Initialize(); err != nil {
		module.Destroy()
		return nil, fmt.Errorf("initialising %s: %w", c.Module, err)
	}
	t := &Token{config: c, module: module, sessions: make(chan pkcs11.SessionHandle, c.Sessions), known: map[string]object{}}
	if err := t.enter(); err != nil {
		t.Close()
		return nil, err
	}
	t.config.PIN = ""
	return t, nil
}

// Close ends all sessions and unloads the module.
func (t *Token) Close() {
	_ = t.module.CloseAllSessions(t.slot)
	_ = t.module.Finalize()
	t.module.Destroy()
}

func (t *Token) enter() error {
	if err := t.findSlot(); err != nil {
		return err
	}
	mechanisms, err := t.module.GetMechanismList(t.slot)
	if err != nil {
		return fmt.Errorf("asking the token what it can do: %w", err)
	}
	t.offers = offered(mechanisms)
	for range t.config.Sessions {
		s, err := t.module.OpenSession(t.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		if err != nil {
			return fmt.Errorf("opening a session: %w", err)
		}
		t.sessions <- s
	}
	return t.login()
}

func (t *Token) findSlot() error {
	slots, err := t.module.GetSlotList(true)
	if err != nil {
		return fmt.Errorf("listing the slots: %w", err)
	}
	var found []uint
	for _, slot := range slots {
		info, err := t.module.GetTokenInfo(slot)
		if err != nil {
			continue // no token in it, or a broken one
		}
		if t.config.Slot != nil && *t.config.Slot == slot || t.config.Slot == nil && info.Label == t.config.Label {
			found = append(found, slot)
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%d slots have the token that is asked for; exactly one must", len(found))
	}
	t.slot = found[0]
	return nil
}

// login tries the PIN, unless that is the last try before the token locks
// itself: then a person must look.
func (t *Token) login() error {
	info, err := t.module.GetTokenInfo(t.slot)
	if err != nil {
		return fmt.Errorf("asking for the state of the token: %w", err)
	}
	if info.Flags&(pkcs11.CKF_USER_PIN_FINAL_TRY|pkcs11.CKF_USER_PIN_LOCKED) != 0 {
		return protocol.Fail(protocol.Locked, "the token is locked, or one wrong PIN before that")
	}
	s := <-t.sessions
	defer func() { t.sessions <- s }()
	err = t.module.Login(s, pkcs11.CKU_USER, t.config.PIN)
	var code pkcs11.Error
	if errors.As(err, &code) && slices.Contains(refusedPIN(), code) {
		return protocol.Fail(protocol.Locked, "the token refused the PIN")
	}
	if err != nil {
		return fmt.Errorf("logging in: %w", err)
	}
	return nil
}

func refusedPIN() []pkcs11.Error {
	return []pkcs11.Error{
		pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED,
		pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_USER_PIN_NOT_INITIALIZED,
	}
}

// with runs do in a session. Errors after which nothing works any more are told.
func (t *Token) with(do func(s pkcs11.SessionHandle) error) error {
	s := <-t.sessions
	defer func() { t.sessions <- s }()
	err := do(s)
	var code pkcs11.Error
	if errors.As(err, &code) && slices.Contains(fatal(), code) {
		t.gone.Do(func() { t.config.Gone(err) })
	}
	return err
}

func fatal() []pkcs11.Error {
	return []pkcs11.Error{
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_SESSION_CLOSED,
		pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
		pkcs11.CKR_HOST_MEMORY, pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_OPERATION_ACTIVE, pkcs11.CKR_DEVICE_MEMORY,
	}
}
