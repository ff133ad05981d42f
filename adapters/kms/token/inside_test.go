package token

import (
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/miekg/pkcs11"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
)

func softToken(t *testing.T) *Token {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/softhsm/libsofthsm2.so")
	if more, _ := filepath.Glob("/usr/lib/*/softhsm/libsofthsm2.so"); len(found) == 0 {
		found = more
	}
	if len(found) == 0 {
		t.Fatal("libsofthsm2.so is missing: install the Debian package softhsm2")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	if out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", "t", "--so-pin", "3141", "--pin", "2718").CombinedOutput(); err != nil {
		t.Fatalf("a token could not be made with softhsm2-util of the Debian package softhsm2: %v: %s", err, out)
	}
	tok, err := Open(Config{
		Module: found[0], Label: "t", PIN: "2718", Prefix: "narrowcast", RSABits: 2048, Sessions: 2,
		Gone: func(err error) { t.Errorf("the token is gone: %v", err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tok.Close)
	return tok
}

// No request takes a private half out of the token, whatever is asked for.
func TestPrivateHalvesStayInside(t *testing.T) {
	tok := softToken(t)
	offers, _ := tok.Offers()
	for _, alg := range offers {
		k, err := tok.Generate(alg, "")
		if err != nil {
			t.Fatal(err)
		}
		_ = tok.with(func(s pkcs11.SessionHandle) error {
			o, err := tok.object(s, k.Name)
			if err != nil {
				t.Fatal(err)
			}
			v, err := tok.values(s, o.handle, pkcs11.CKA_SENSITIVE, pkcs11.CKA_EXTRACTABLE, pkcs11.CKA_NEVER_EXTRACTABLE, pkcs11.CKA_LOCAL)
			if err != nil || string(v[0])+string(v[1])+string(v[2])+string(v[3]) != "\x01\x00\x01\x01" {
				t.Errorf("%s: its marks are %x, %v", alg, v, err)
			}
			secret := uint(pkcs11.CKA_VALUE)
			if alg == "RS256" {
				secret = pkcs11.CKA_PRIVATE_EXPONENT
			}
			if got, err := tok.values(s, o.handle, secret); !errors.Is(err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE)) {
				t.Errorf("%s: its secret was asked for: %d values, %v", alg, len(got), err)
			}
			if _, err := tok.values(s, o.handle, pkcs11.CKA_ID); err != nil {
				t.Errorf("%s: the control: %v", alg, err)
			}
			return nil
		})
	}
}

// A pair that the token would let out is not kept.
func TestPairThatCouldLeave(t *testing.T) {
	tok := softToken(t)
	err := tok.with(func(s pkcs11.SessionHandle) error {
		is, id := pkcs11.NewAttribute, newID()
		mechanism, kind := recipe("ES256", 0)
		both := []*pkcs11.Attribute{is(pkcs11.CKA_TOKEN, true), is(pkcs11.CKA_ID, id), is(pkcs11.CKA_LABEL, "narrowcast")}
		_, private, err := tok.module.GenerateKeyPair(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)},
			append(kind, both...), append([]*pkcs11.Attribute{is(pkcs11.CKA_SENSITIVE, false), is(pkcs11.CKA_EXTRACTABLE, true), is(pkcs11.CKA_SIGN, true)}, both...))
		if err != nil {
			return err
		}
		if _, err := tok.keepIn(s, private, id); err == nil {
			t.Error("it was kept")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	if _, err := Open(Config{}); err == nil {
		t.Error("an empty configuration was taken")
	}
}

// Whoever knows the id of a key and not its label gets nothing.
func TestNames(t *testing.T) {
	tok := softToken(t)
	k, err := tok.Generate("ES256", "for tests")
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := hex.DecodeString(k.Name); err != nil || len(raw) != idBytes {
		t.Errorf("a name is %q", k.Name)
	}
	tok.config.Prefix = "narrow"
	clear(tok.known)
	var known *protocol.Error
	if _, err := tok.Find(k.Name); !errors.As(err, &known) || known.Code != protocol.UnknownKey {
		t.Errorf("under the beginning of its label: %v", err)
	}
	tok.config.Prefix = "narrowcast for"
	if _, err := tok.Find(k.Name); err != nil {
		t.Errorf("the control: %v", err)
	}
}
