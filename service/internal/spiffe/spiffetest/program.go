package spiffetest

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Program is the stand-in as a program for scripts. Its sub-commands:
//
//	serve -domain corp.example -workload PATH=ID[,ID] … [-bundle FILE]
//	fetch -socket PATH -audience AUDIENCE -dir DIR
//
// serve prints "ready", then obeys the lines of in: rotate, retire, revoke,
// hang, resume, stop, start, quit; it ends with in, or with ctx. It keeps the
// bundle document in FILE up to date. fetch is the real go-spiffe client: it
// writes svid.pem, key.pem, bundle.pem and, for an audience, token.
func Program(ctx context.Context, now func() time.Time, args []string, in io.Reader, out io.Writer) error {
	if len(args) > 0 && args[0] == "fetch" {
		return fetchFiles(ctx, args[1:])
	}
	if len(args) == 0 || args[0] != "serve" {
		return errors.New("spiffetest: say serve or fetch")
	}
	p := &program{}
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	domain := flags.String("domain", "corp.example", "the trust domain")
	flags.StringVar(&p.file, "bundle", "", "a file for the bundle document")
	var workloads []string
	flags.Func("workload", "PATH=ID[,ID], once for each workload", func(s string) error {
		workloads = append(workloads, s)
		return nil
	})
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if err := p.open(*domain, now, workloads); err != nil {
		return err
	}
	defer p.each((*Socket).Stop)
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	return p.obey(ctx, in)
}

type program struct {
	authority *Authority
	sockets   []*Socket
	file      string
}

func (p *program) open(domain string, now func() time.Time, workloads []string) (err error) {
	if p.authority, err = NewAuthority(domain, now); err != nil {
		return err
	}
	agent := NewAgent(p.authority)
	for _, workload := range workloads {
		path, ids, _ := strings.Cut(workload, "=")
		socket, err := agent.Listen(path, strings.Split(ids, ",")...)
		if err != nil {
			return err
		}
		p.sockets = append(p.sockets, socket)
	}
	return p.write()
}

func (p *program) write() error {
	if p.file == "" {
		return nil
	}
	document, err := p.authority.Document()
	if err != nil {
		return err
	}
	return os.WriteFile(p.file, document, 0o600)
}

func (p *program) each(do func(*Socket)) {
	for _, socket := range p.sockets {
		do(socket)
	}
}

func (p *program) obey(ctx context.Context, in io.Reader) error {
	words := make(chan string)
	go func() {
		defer close(words)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			select {
			case words <- strings.TrimSpace(lines.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case word, more := <-words:
			if !more || word == "quit" {
				return nil
			}
			if err := p.do(word); err != nil {
				return err
			}
		}
	}
}

func (p *program) do(word string) (err error) {
	switch word {
	case "":
	case "rotate":
		err = errors.Join(p.authority.RotateX509(), p.authority.RotateJWT())
	case "retire":
		p.authority.Retire()
	case "revoke":
		p.authority.Revoke()
	case "hang":
		p.each((*Socket).Hang)
	case "resume":
		p.each((*Socket).Resume)
	case "stop":
		p.each((*Socket).Stop)
	case "start":
		p.each(func(s *Socket) { err = errors.Join(err, s.Start()) })
	default:
		return fmt.Errorf("spiffetest: %q is no command", word)
	}
	return errors.Join(err, p.write())
}
