package main

import (
	"context"
	"io"
	"net/http"
	"time"
)

// ProbeCmd asks a probe of another process: health checks of containers that hold nothing but this binary.
type ProbeCmd struct {
	URL string `arg:"" help:"Such as http://localhost:9464/readyz."`
}

// Run succeeds when the probe answers 2xx.
func (c *ProbeCmd) Run(ctx context.Context, _ *Globals) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return exitf(ExitUsage, "%w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return exitf(ExitUnreachable, "%w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 512))
	if err != nil {
		return exitf(ExitUnreachable, "%w", err)
	}
	if resp.StatusCode/100 != 2 {
		return exitf(ExitFailed, "%s: %s %s", c.URL, resp.Status, text)
	}
	return nil
}
