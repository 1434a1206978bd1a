package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// KafkaVersion is the Apache Kafka that StartKafka runs.
const KafkaVersion = "4.2.0"

// pom names the broker and its logging; Maven brings the rest.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cagnotte</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + KafkaVersion + `</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
  </dependencies>
</project>
`

// jars returns the directory with Kafka's jars, fetched by Maven into the cache the first time. Two processes that fetch at once do no harm: the
// first to finish wins.
func jars(ctx context.Context, cacheDir string, progress io.Writer) (string, error) {
	dir, err := jarsDir(cacheDir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "", errors.New("real Kafka: no mvn on PATH: install Maven and a JDK 17 or later, or use the fake broker")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("real Kafka: make the cache: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "fetch-")
	if err != nil {
		return "", fmt.Errorf("real Kafka: make the cache: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := fetchJars(ctx, tmp, progress); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(tmp, "libs"), dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", fmt.Errorf("real Kafka: keep the jars: %w", err)
		}
	}
	return dir, nil
}

func jarsDir(cacheDir string) (string, error) {
	if cacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("real Kafka: find the cache directory: %w", err)
		}
		cacheDir = filepath.Join(user, "cagnotte", "kafka")
	}
	return filepath.Join(cacheDir, KafkaVersion), nil
}

func fetchJars(ctx context.Context, dir string, progress io.Writer) error {
	say(progress, "fetching Apache Kafka %s through Maven (about 43 MB, once)\n", KafkaVersion)
	begun := time.Now()
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(pom), 0o644); err != nil {
		return fmt.Errorf("real Kafka: %w", err)
	}
	cmd := exec.CommandContext(ctx, "mvn", "-B", "-ntp", "dependency:copy-dependencies", "-DoutputDirectory=libs")
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("real Kafka: fetch the jars: %w\n%s", err, tail(out.String(), 10))
	}
	say(progress, "fetched in %.1f s\n", time.Since(begun).Seconds())
	return nil
}

func say(w io.Writer, format string, args ...any) {
	if w != nil {
		fmt.Fprintf(w, format, args...)
	}
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
