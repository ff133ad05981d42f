package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

var pad = string(bytes.Repeat([]byte("x"), 400))

// book appends lines to a file in groups, each group synced once.
type book struct {
	file  *os.File
	lines chan line
}

type line struct {
	text []byte
	done chan error
}

func newBook(path string) (*book, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	b := &book{file: f, lines: make(chan line, 1024)}
	go b.run()
	return b, nil
}

func (b *book) append(ctx context.Context, text []byte) error {
	l := line{text, make(chan error, 1)}
	select {
	case b.lines <- l:
	case <-ctx.Done():
		return errors.New("gave up")
	}
	return <-l.done
}

func (b *book) run() {
	for first := range b.lines {
		group, text := []line{first}, first.text
	gather:
		for len(group) < 512 {
			select {
			case l := <-b.lines:
				group, text = append(group, l), append(text, l.text...)
			default:
				break gather
			}
		}
		_, err := b.file.Write(text)
		if err == nil {
			err = b.file.Sync()
		}
		for _, l := range group {
			l.done <- err
		}
	}
}

// close ends the book; nobody may append any more.
func (b *book) close() error {
	close(b.lines)
	return b.file.Close()
}

// fileBench is the floor of every store: lines appended to a bare file, by
// number of clients.
type fileBench map[int]*struct{ rates, cpus []float64 }

func (f fileBench) round(dir string) error {
	for _, clients := range crowds() {
		if f[clients] == nil {
			f[clients] = &struct{ rates, cpus []float64 }{}
		}
		rate, cpu, err := appendToFile(filepath.Join(dir, fmt.Sprint("file-", clients)), clients, 250*time.Millisecond)
		if err != nil {
			return err
		}
		f[clients].rates, f[clients].cpus = append(f[clients].rates, rate), append(f[clients].cpus, cpu)
	}
	return nil
}

// appendToFile returns lines per second and microseconds of CPU per line.
func appendToFile(path string, clients int, length time.Duration) (rate, cpu float64, err error) {
	b, err := newBook(path)
	if err != nil {
		return 0, 0, err
	}
	text := []byte(pad + pad[:150] + "\n")
	ctx, stop := context.WithTimeout(context.Background(), length)
	defer stop()
	began, start := ownCPU(), time.Now()
	var lines atomic.Int64
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for ctx.Err() == nil && b.append(context.Background(), text) == nil {
				lines.Add(1)
			}
		})
	}
	group.Wait()
	n := float64(lines.Load())
	return n / time.Since(start).Seconds(), float64((ownCPU() - began).Microseconds()) / n, b.close()
}
