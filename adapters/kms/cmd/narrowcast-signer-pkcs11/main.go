// Command narrowcast-signer-pkcs11 signs with keys in a PKCS #11 token. It speaks
// the sign protocol on standard input and output, or on a Unix socket.
//
//	narrowcast-signer-pkcs11 -module LIBRARY (-token-label LABEL | -slot N) -pin-file FILE [-listen SOCKET]
//
// The PIN comes from a file and from nowhere else: arguments and environment can
// be read by others.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/narrowcast-io/narrowcast/adapters/kms/protocol"
	"github.com/narrowcast-io/narrowcast/adapters/kms/token"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// settings are the flags.
type settings struct {
	token   token.Config
	pinFile string
	listen  string
}

func flags(args []string, errs io.Writer) (settings, error) {
	var s settings
	var slot string
	f := flag.NewFlagSet("narrowcast-signer-pkcs11", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&s.token.Module, "module", "", "`path` of the PKCS #11 library of the vendor")
	f.StringVar(&s.token.Label, "token-label", "", "`label` of the token")
	f.StringVar(&slot, "slot", "", "`number` of the slot, instead of -token-label")
	f.StringVar(&s.pinFile, "pin-file", "", "`file` that holds the PIN of the user, on one line")
	f.StringVar(&s.token.Prefix, "key-label", "narrowcast", "first `word` of the label of keys; keys with other labels are never used")
	f.IntVar(&s.token.RSABits, "rsa-bits", 3072, "length of new RSA keys: 2048, 3072 or 4096")
	f.IntVar(&s.token.Sessions, "sessions", 8, "signatures made at once")
	f.StringVar(&s.listen, "listen", "", "listen on this Unix `socket` instead of standard input")
	if err := f.Parse(args); err != nil {
		return settings{}, err
	}
	if f.NArg() > 0 {
		return settings{}, errors.New("there are no arguments besides flags")
	}
	if slot != "" {
		n, err := strconv.ParseUint(slot, 10, 32)
		if err != nil {
			return settings{}, errors.New("-slot is not a number")
		}
		number := uint(n)
		s.token.Slot = &number
	}
	return s, nil
}

// maxPIN bounds what is read of the file.
const maxPIN = 256

func readPIN(path string) (string, error) {
	if path == "" {
		return "", errors.New("-pin-file is required")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxPIN+1))
	if err != nil {
		return "", fmt.Errorf("reading the PIN: %w", err)
	}
	pin := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if pin == "" || len(pin) > maxPIN || strings.ContainsAny(pin, "\r\n\x00") {
		return "", fmt.Errorf("%s does not hold one line of 1 to %d characters", path, maxPIN)
	}
	return pin, nil
}

// run returns the exit code: 0 when the other side ended the conversation, 1 when
// the token cannot be used, 2 when the flags are wrong.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	say := func(what string) { _, _ = io.WriteString(errs, "narrowcast-signer-pkcs11: "+what+"\n") }
	s, err := flags(args, errs)
	if err != nil {
		say(err.Error())
		return 2
	}
	if s.token.PIN, err = readPIN(s.pinFile); err != nil {
		say(err.Error())
		return 2
	}
	// Nothing can be mended from here: whoever started the program starts it again.
	s.token.Gone = func(why error) { say("the token is gone: " + why.Error()); os.Exit(1) }
	keeper, closing, err := open(s.token)
	if err != nil {
		say(err.Error())
		return 1
	}
	defer closing()
	config := protocol.Config{Keeper: keeper, Concurrent: 2 * s.token.Sessions, Log: say}
	if s.listen != "" {
		err = listen(s.listen, config)
	} else {
		err = protocol.Serve(in, out, config)
	}
	if err != nil {
		say(err.Error())
		return 1
	}
	return 0
}

// open opens the token. When the PIN was refused the program stays and says so:
// ending would only make somebody start it again, and try the PIN again.
func open(c token.Config) (protocol.Keeper, func(), error) {
	t, err := token.Open(c)
	var known *protocol.Error
	if errors.As(err, &known) && known.Code == protocol.Locked {
		return locked{known}, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return t, t.Close, nil
}

// locked is a token that cannot be entered.
type locked struct{ why error }

func (l locked) Offers() ([]string, error)                     { return nil, l.why }
func (l locked) Generate(string, string) (protocol.Key, error) { return protocol.Key{}, l.why }
func (l locked) Find(string) (protocol.Key, error)             { return protocol.Key{}, l.why }
func (l locked) List(string) ([]protocol.Key, bool, error)     { return nil, false, l.why }
func (l locked) Sign(string, string, []byte) ([]byte, error)   { return nil, l.why }
