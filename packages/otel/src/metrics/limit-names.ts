import { attribute } from '../shared/attributes.ts'
import type { MetricName } from './catalogue.ts'
import { keyOf, type Measurement } from './measure.ts'

/**
 * The SDK remembers 2,000 series of an instrument for ever, and merges later ones into one that has
 * no meaning. Names may come from users.
 */
const most = 1_500

/** Names a bounded number of secrets in each metric. Later ones are counted together, without names. */
export class NameLimit {
  readonly #named = new Map<MetricName, Set<string>>()

  limit(measured: readonly Measurement[]): readonly Measurement[] {
    const [shown, counts]: [Measurement[], Map<string, Measurement>] = [[], new Map()]
    for (const each of measured) {
      if (this.#isNamed(each)) shown.push(each)
      else count(counts, each)
    }
    return [...shown, ...counts.values()]
  }

  #isNamed(measurement: Measurement): boolean {
    const { metric, attributes } = measurement
    if (attributes[attribute.secret] === undefined) return true
    const named = this.#named.get(metric) ?? new Set()
    this.#named.set(metric, named)
    return named.size < most ? Boolean(named.add(keyOf(measurement))) : named.has(keyOf(measurement))
  }
}

function count(counts: Map<string, Measurement>, { metric, value, attributes }: Measurement): void {
  const { [attribute.secret]: _, ...others } = attributes
  const key = keyOf({ metric, attributes: others })
  counts.set(key, { metric, value: value + (counts.get(key)?.value ?? 0), attributes: others })
}
