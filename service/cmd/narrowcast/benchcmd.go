package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/narrowcast-io/narrowcast/service/internal/measure"
)

func (a *app) benchCommand() *cobra.Command {
	c := measure.Config{Now: a.now}
	cmd := &cobra.Command{
		Use: "bench", GroupID: "guard", Short: "Measure what checking a token costs on this machine",
		Long: `Measure how many tokens one core verifies in a second, and what each way of standing
in front of a service adds to a request over loopback. Nothing leaves the machine.

"Added" is the difference of the quantiles with the check and without it, measured in
turn within one run. The proxy is compared with a proxy that checks nothing, the
answer to a proxy that asks with an answer that is always yes. Compare figures only
within one run: machines change their pace.`,
		Example: "  narrowcast bench\n  narrowcast bench --each 3s --requests 20000 --json",
		Args:    exactArgs(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !a.json {
				c.Tell = func(doing string) { fmt.Fprintln(a.errs, doing) }
			}
			r, err := measure.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			return a.print(r, func(w io.Writer) error { return writeMeasured(w, r) })
		},
	}
	cmd.Flags().DurationVar(&c.Each, "each", time.Second, "how long each algorithm is verified, 10ms to 1m")
	cmd.Flags().IntVar(&c.Requests, "requests", 2000, "how many requests go through each adapter, 50 to 1000000")
	return cmd
}

func writeMeasured(w io.Writer, r measure.Report) error {
	fmt.Fprintf(w, "%s, %d cores, %s\n\n", r.Machine.System, r.Machine.Cores, r.Machine.Go)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "algorithm\tverifications/s/core\tof a token seen before\t")
	for _, v := range r.Verify {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t\n", v.Algorithm, v.PerSecond, v.Again)
	}
	fmt.Fprintln(t, "\t\t\t\nadapter\tadded p50 µs\tadded p99 µs\twithout p50 µs\twithout p99 µs\t")
	for _, v := range r.Adapters {
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t\n", v.Name, v.P50, v.P99, v.Base50, v.Base99)
	}
	return t.Flush()
}
