import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Meter, Tracer } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { samplesIn, sumOf } from '@finchat/secrets-test-servers'

/** The newest SDK, with an endpoint on loopback that a test scrapes. */
export interface Telemetry {
  readonly meter: Meter
  readonly tracer: Tracer
  readonly spans: () => readonly ReadableSpan[]
  readonly text: () => Promise<string>
  /** Scrapes, and remembers which metrics have moved. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number | undefined>
  /** Of the scrapes so far: metrics with a value above 0, as Prometheus names them. */
  readonly moved: ReadonlySet<string>
  readonly stop: () => Promise<void>
}

export async function startTelemetry(): Promise<Telemetry> {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const meters = new MeterProvider({ readers: [exporter] })
  const finished = new InMemorySpanExporter()
  const tracers = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: finished })] })
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics` // it listens on a port
  const text = async (): Promise<string> => (await fetch(url)).text()
  const moved = new Set<string>()
  return {
    meter: meters.getMeter('test'),
    tracer: tracers.getTracer('test'),
    spans: () => finished.getFinishedSpans(),
    text,
    value: async (name, labels) => {
      const samples = samplesIn(await text())
      for (const sample of samples) if (sample.value > 0) moved.add(sample.name)
      return sumOf(samples, name, labels)
    },
    moved,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await Promise.all([meters.shutdown(), tracers.shutdown()])
    },
  }
}
