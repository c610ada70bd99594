import type { BatchObservableResult, Meter } from '@opentelemetry/api'
import { configurationError } from '@finchat/secrets-core/provider'
import { attribute } from '../shared/attributes.ts'
import { quietly } from '../shared/quietly.ts'
import { catalogue, createInstruments, type Instruments } from './catalogue.ts'
import { NameLimit } from './limit-names.ts'
import { keyOf, type Measurement, type Part } from './measure.ts'

/** What is measured of one manager. */
export interface Source {
  /** Each part is measured by itself: one that fails hides no other. Undefined of a closed manager. */
  readonly parts: () => readonly Part[] | undefined
  /** Ends the whole observation. */
  readonly end: () => void
}

/** The managers that are observed by one meter, and the series that it has shown. */
class Registry {
  readonly #instruments: Instruments
  readonly #sources = new Map<string, Source>()
  readonly #limit = new NameLimit()
  /** The SDK exports the last value of a gauge for ever, whether or not it is still observed. */
  readonly #shown = new Map<string, Measurement>()

  constructor(meter: Meter) {
    this.#instruments = createInstruments(meter)
    meter.addBatchObservableCallback((result) => this.#observe(result), Object.values(this.#instruments))
  }

  /** Two managers in the same series would overwrite each other's values. */
  add(name: string, source: Source): () => void {
    const former = this.#sources.get(name)
    if (former?.parts() !== undefined)
      throw configurationError(
        `a manager is observed as '${name}' already`,
        "give each its name: { manager: '…' }, or end the former observation",
      )
    former?.end()
    this.#sources.set(name, source)
    return () => void this.#sources.delete(name)
  }

  #observe(result: BatchObservableResult): void {
    const ended = new Map(this.#shown)
    for (const [name, source] of this.#sources) {
      const isWhole = quietly(() => this.#showSource(result, name, source, ended))
      if (!isWhole) for (const [key, { attributes }] of ended) if (attributes[attribute.manager] === name) ended.delete(key)
    }
    for (const [key, measurement] of ended) {
      quietly(() => this.#show(result, { ...measurement, value: 0 }))
      this.#shown.delete(key) // the SDK keeps the 0
    }
  }

  /** What a part that fails has shown keeps its last value: a 0 would resolve an alert. */
  #showSource(result: BatchObservableResult, name: string, source: Source, ended: Map<string, Measurement>): void {
    const parts = source.parts()
    if (parts === undefined) return source.end()
    let failure: { readonly error: unknown } | undefined
    for (const part of parts) {
      try {
        const measured = part().map((each) => ({ ...each, attributes: { [attribute.manager]: name, ...each.attributes } }))
        for (const each of this.#limit.limit(measured)) ended.delete(this.#show(result, each))
      } catch (error) {
        failure = { error }
      }
    }
    if (failure !== undefined) throw failure.error
  }

  /** Returns the key of its series. A number is shown alone: the SDK logs any other value. */
  #show(result: BatchObservableResult, measurement: Measurement): string {
    const { metric, value, attributes } = measurement
    const key = keyOf(measurement)
    if (!Number.isFinite(value)) return key
    result.observe(this.#instruments[metric], value, attributes)
    if (catalogue[metric][0] !== 'counter') this.#shown.set(key, measurement)
    return key
  }
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
