// To copy: the OpenTelemetry SDK with metrics for Prometheus. Start it before `observeSecrets`.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'

export interface Telemetry {
  /** Answers a scrape. */
  readonly serveMetrics: (request: IncomingMessage, response: ServerResponse) => void
  readonly stop: () => Promise<void>
}

export function startTelemetry(): Telemetry {
  const exporter = new PrometheusExporter({ preventServerStart: true }) // the service serves it beside its own routes
  const provider = new MeterProvider({ readers: [exporter] })
  metrics.setGlobalMeterProvider(provider)
  return {
    serveMetrics: (request, response) => exporter.getMetricsRequestHandler(request, response),
    stop: () => provider.shutdown(),
  }
}
