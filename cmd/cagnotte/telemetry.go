package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelprom "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// telemetry owns the OpenTelemetry SDK of the process: metrics for Prometheus at metrics, and through OTLP where the standard variables
// (OTEL_EXPORTER_OTLP_ENDPOINT and its kin) name a collector; traces through OTLP only.
type telemetry struct {
	metrics http.Handler
	meter   metric.Meter
	tracer  trace.Tracer
	stops   []func(context.Context) error
}

// traceShare is the share of receipts without a caller's trace that start one. OTEL_TRACES_SAMPLER replaces it.
const traceShare = 0.01

func newTelemetry(ctx context.Context, role string) (*telemetry, error) {
	res, err := resource.New(ctx, resource.WithFromEnv(), resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "cagnotte"), attribute.String("service.version", version()), attribute.String("cagnotte.role", role)))
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("telemetry: %w", err)
	}
	t := &telemetry{}
	if err := t.startMetrics(ctx, res); err != nil {
		return nil, err
	}
	if err := t.startTraces(ctx, res); err != nil {
		return nil, err
	}
	return t, t.buildInfo()
}

func (t *telemetry) startMetrics(ctx context.Context, res *resource.Resource) error {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	prom, err := otelprom.New(otelprom.WithRegisterer(reg), otelprom.WithoutScopeInfo(), otelprom.WithoutTargetInfo())
	if err != nil {
		return fmt.Errorf("telemetry: prometheus: %w", err)
	}
	opts := []sdkmetric.Option{sdkmetric.WithReader(prom), sdkmetric.WithResource(res), sdkmetric.WithView(durationView())}
	if otlpWanted("METRICS") {
		exporter, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return fmt.Errorf("telemetry: OTLP metrics: %w", err)
		}
		opts = append(opts, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	}
	provider := sdkmetric.NewMeterProvider(opts...)
	t.metrics = promhttp.HandlerFor(reg, promhttp.HandlerOpts{Timeout: 5 * time.Second, MaxRequestsInFlight: 4})
	t.meter = provider.Meter("cagnotte")
	t.stops = append(t.stops, provider.Shutdown)
	return nil
}

// durationView gives all durations one set of buckets, from a quarter of a millisecond to a minute.
func durationView() sdkmetric.View {
	return sdkmetric.NewView(sdkmetric.Instrument{Kind: sdkmetric.InstrumentKindHistogram, Unit: "s"}, sdkmetric.Stream{
		Aggregation: sdkmetric.AggregationExplicitBucketHistogram{
			Boundaries: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		},
	})
}

func (t *telemetry) startTraces(ctx context.Context, res *resource.Resource) error {
	if !otlpWanted("TRACES") {
		t.tracer = noop.NewTracerProvider().Tracer("cagnotte")
		return nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return fmt.Errorf("telemetry: OTLP traces: %w", err)
	}
	opts := []sdktrace.TracerProviderOption{sdktrace.WithBatcher(exporter), sdktrace.WithResource(res)}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" {
		opts = append(opts, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(traceShare))))
	}
	provider := sdktrace.NewTracerProvider(opts...)
	t.tracer = provider.Tracer("cagnotte")
	t.stops = append(t.stops, provider.Shutdown)
	return nil
}

// otlpWanted tells whether the standard variables name a collector for the signal.
func otlpWanted(signal string) bool {
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_"+signal+"_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") != ""
}

// startTelemetry is newTelemetry for a command: what goes wrong later is logged.
func startTelemetry(ctx context.Context, g *Globals, role string) (*telemetry, error) {
	t, err := newTelemetry(ctx, role)
	if err != nil {
		return nil, err
	}
	t.logErrors(g)
	return t, nil
}

// close is stop for a command: there is nobody left to return an error to.
func (t *telemetry) close(ctx context.Context, g *Globals) {
	if err := t.stop(ctx); err != nil {
		g.Logger.Warn("telemetry: last export", "error", err)
	}
}

// logErrors sends what the SDK has to say, such as a collector that is gone, to the log.
func (t *telemetry) logErrors(g *Globals) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { g.Logger.Warn("telemetry", "error", err) }))
}

func (t *telemetry) buildInfo() error {
	attrs := metric.WithAttributes(attribute.String("version", version()), attribute.String("go_version", runtime.Version()))
	_, err := t.meter.Int64ObservableGauge("cagnotte.build_info", metric.WithDescription("Always 1; the labels say what runs."),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(1, attrs)
			return nil
		}))
	return err
}

// stop flushes what has not been sent, for a few seconds at most.
func (t *telemetry) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	var errs []error
	for _, stop := range t.stops {
		errs = append(errs, stop(ctx))
	}
	return errors.Join(errs...)
}
