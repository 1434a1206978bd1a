package drive

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// profileWait lets the process start and fill its caches before its profile is taken, profileLength is how long it is looked at.
const (
	profileWait   = 5 * time.Second
	profileLength = 10 * time.Second
)

// profile writes the product's processor profile to the file that was asked for. The channel gets one value, and at once when none was.
func (b *bench) profile(ctx context.Context, addr string) <-chan error {
	done := make(chan error, 1)
	if b.o.Profile == "" {
		done <- nil
		return done
	}
	go func() {
		if err := sleep(ctx, profileWait); err != nil {
			done <- err
			return
		}
		done <- save(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", addr, profileLength.Seconds()), b.o.Profile)
	}()
	return done
}

func save(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("profile: %s", resp.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		_ = f.Close()
		return fmt.Errorf("profile: %w", err)
	}
	return f.Close()
}
