import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api'
import { configurationError } from '@finchat/secrets-core/provider'
import { attribute } from '../shared/attributes.ts'
import { quietly } from '../shared/quietly.ts'
import { catalogue, createInstruments, type Instruments } from './catalogue.ts'
import type { Measurement } from './measure.ts'

/** What is measured of one manager, now. */
export type Source = () => readonly Measurement[]

/** The managers that are observed by one meter, and the series that it has shown. */
class Registry {
  readonly #instruments: Instruments
  readonly #sources = new Map<string, Source>()
  /** The SDK exports the last value of a gauge for ever, whether or not it is still observed. */
  readonly #shown = new Map<string, Measurement>()

  constructor(meter: Meter) {
    this.#instruments = createInstruments(meter)
    meter.addBatchObservableCallback((result) => this.#observe(result), Object.values(this.#instruments))
  }

  /** Two managers in the same series would overwrite each other's values. */
  add(name: string, source: Source): () => void {
    if (this.#sources.has(name))
      throw configurationError(
        `a manager is observed as '${name}' already`,
        "give each its name: { manager: '…' }, or end the former observation",
      )
    this.#sources.set(name, source)
    return () => void this.#sources.delete(name)
  }

  #observe(result: BatchObservableResult): void {
    const ended = new Map(this.#shown)
    for (const [name, source] of this.#sources) {
      quietly(() => {
        for (const each of source()) {
          const measurement = { ...each, attributes: { [attribute.manager]: name, ...each.attributes } }
          this.#show(result, measurement)
          ended.delete(keyOf(measurement))
        }
      })
    }
    for (const measurement of ended.values()) quietly(() => this.#show(result, { ...measurement, value: 0 }))
  }

  #show(result: BatchObservableResult, measurement: Measurement): void {
    const { metric, value, attributes } = measurement
    result.observe(this.#instruments[metric], value, attributes)
    if (catalogue[metric][0] !== 'counter') this.#shown.set(keyOf(measurement), measurement)
  }
}

function keyOf({ metric, attributes }: { readonly metric: string; readonly attributes: Attributes }): string {
  return JSON.stringify([metric, attributes])
}

const registries = new WeakMap<Meter, Registry>()

/**
 * Observes what the source measures at each scrape, under this name. Returns the function that ends
 * it: from then on the gauges are 0. Throws `CONFIGURATION` if the name is taken.
 */
export function observeAt(meter: Meter, name: string, source: Source): () => void {
  const registry = registries.get(meter) ?? new Registry(meter)
  registries.set(meter, registry)
  return registry.add(name, source)
}
