import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Meter, Tracer } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type Sample, samplesIn, sumOf } from '@finchat/secrets-test-servers'
import { onTestFinished } from 'vitest'

/** The real SDK, with an endpoint on loopback that a test scrapes. */
export interface Telemetry {
  readonly meter: Meter
  readonly tracer: Tracer
  readonly scrape: () => Promise<Scrape>
  readonly spans: () => readonly ReadableSpan[]
}

interface Scrape {
  readonly text: string
  readonly samples: readonly Sample[]
  /** As `sumOf`. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | undefined
}

export async function startTelemetry(): Promise<Telemetry> {
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const meters = new MeterProvider({ readers: [exporter] })
  const finished = new InMemorySpanExporter()
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(finished)] })
  const server = createServer((request, response) => exporter.getMetricsRequestHandler(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics` // it listens on a port
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await Promise.all([meters.shutdown(), tracers.shutdown()])
  })
  return {
    meter: meters.getMeter('test'),
    tracer: tracers.getTracer('test'),
    scrape: async () => scrapeOf(await (await fetch(url)).text()),
    spans: () => finished.getFinishedSpans(),
  }
}

function scrapeOf(text: string): Scrape {
  const samples = samplesIn(text)
  return { text, samples, value: (name, labels) => sumOf(samples, name, labels) }
}
