package main

import (
	"bufio"
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// goBench is a benchmark of a room that no other module may import: the test
// binary of that room, built once and run once in each round.
type goBench struct {
	binary, dir, pattern, time string
	// figures are all that was measured: by benchmark and unit, one for each round.
	figures map[string]map[string][]float64
}

func (t *town) goBench(room, pattern, time string) (*goBench, error) {
	b := &goBench{
		binary: filepath.Join(t.dir, strings.ReplaceAll(room, "/", "-")+".test"), dir: filepath.Join("..", "service", room),
		pattern: pattern, time: time, figures: map[string]map[string][]float64{},
	}
	out, err := command("go", "-C", "../service", "test", "-c", "-o", b.binary, "./"+room).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("building the benchmark of %s: %w\n%s", room, err, out)
	}
	return b, nil
}

func (b *goBench) round() error {
	c := command(b.binary, "-test.run", "^$", "-test.bench", b.pattern, "-test.benchtime", b.time)
	c.Dir = b.dir
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(b.binary), err, out)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		b.read(lines.Text())
	}
	return nil
}

// read takes a line such as "BenchmarkAppend/sqlite/8-2  1000  81 ns/op  9 records/s".
func (b *goBench) read(line string) {
	fields := strings.Fields(line)
	if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
		return
	}
	name := fields[0]
	if i := strings.LastIndexByte(name, '-'); i > 0 { // the number of processors
		name = name[:i]
	}
	if b.figures[name] == nil {
		b.figures[name] = map[string][]float64{}
	}
	for i := 2; i+1 < len(fields); i += 2 {
		if value, err := strconv.ParseFloat(fields[i], 64); err == nil {
			b.figures[name][fields[i+1]] = append(b.figures[name][fields[i+1]], value)
		}
	}
}

// median is that of all rounds, none when nothing was measured.
func (b *goBench) median(name, unit string) float64 { return median(b.figures[name][unit]) }
