package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// OperationsConfig is what the operations listener is made of.
type OperationsConfig struct {
	// Ready reports why the service cannot work now; nil means it can. Default:
	// always ready.
	Ready func(ctx context.Context) error
	// Metrics serves /metrics; default nothing there.
	Metrics http.Handler
	// Log takes the reason when the service is not ready; default nobody.
	Log *slog.Logger

	_ struct{}
}

// Operations serves /healthz, /readyz and /metrics. It belongs on a listener of
// its own that the outside cannot reach.
func Operations(c OperationsConfig) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
		defer cancel()
		if err := c.ready(ctx); err != nil {
			say(w, http.StatusServiceUnavailable, "not ready\n")
			return
		}
		say(w, http.StatusOK, "ready\n")
	})
	if c.Metrics != nil {
		mux.Handle("GET /metrics", c.Metrics)
	}
	return mux
}

const readyWithin = 2 * time.Second

func (c *OperationsConfig) ready(ctx context.Context) error {
	if c.Ready == nil {
		return nil
	}
	err := c.Ready(ctx)
	if err != nil && c.Log != nil {
		c.Log.WarnContext(ctx, "not ready", "error", err.Error())
	}
	return err
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the other end is gone
}

// Server makes an http.Server with every limit set. The caller gives it a
// listener.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	if log != nil {
		s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	}
	return s
}
