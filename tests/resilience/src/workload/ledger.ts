import { after, type Held, isSeenAs, nothingHeld, refusalOf, type Seen } from './held.ts'
import { keptByWrites, type Operation, type Outcome, sharedName, valueOf } from './operation.ts'

/** One line that a worker writes before an operation, or after it. */
export type Entry = { readonly about: Operation } | { readonly ended: Outcome }

/**
 * What the store must hold after its workers' answers. A secret has several possible states only if
 * an operation was under way or its effect is unknown.
 */
export class Ledger {
  readonly #states = new Map<string, readonly Held[]>()
  readonly #rotated = new Map<number, string>()
  /** Values of the shared secret whose write was not acknowledged. */
  readonly #perhaps = new Set<string>()
  readonly faults: string[] = []
  isReencrypted = false

  names(): string[] {
    return [...this.#states.keys()]
  }

  copy(): Ledger {
    const copy = new Ledger()
    for (const [name, states] of this.#states) copy.#states.set(name, states)
    for (const [version, value] of this.#rotated) copy.#rotated.set(version, value)
    for (const value of this.#perhaps) copy.#perhaps.add(value)
    return copy
  }

  /**
   * Takes in what one worker wrote. Returns the operation that it had begun and not ended, if there
   * is one.
   */
  take(entries: readonly Entry[]): Operation | undefined {
    let begun: Operation | undefined
    for (const entry of entries) {
      if ('about' in entry) begun = entry.about
      else if (begun) this.#record(begun, entry.ended)
      if ('ended' in entry) begun = undefined
    }
    if (begun) this.#record(begun, { effect: 'unknown', code: 'ABORTED' })
    return begun
  }

  #record(operation: Operation, outcome: Outcome): void {
    if (operation.do === 'reencrypt') this.isReencrypted ||= outcome.code === undefined || outcome.effect === 'done'
    else if (operation.do === 'rotate') this.#rotate(valueOf(operation.text), outcome)
    else this.#change(operation.name, operation, outcome)
  }

  #change(name: string, operation: Operation, outcome: Outcome): void {
    const before = this.#states.get(name) ?? [nothingHeld]
    const next = statesAfter(before, operation, outcome)
    if (next.length > 0) this.#states.set(name, next)
    else this.faults.push(`${operation.do} of ${name} ended in ${JSON.stringify(outcome)}, which no state before it explains`)
  }

  #rotate(value: string, { version, code, effect }: Outcome): void {
    if (code !== undefined && effect !== 'done') return void (effect && this.#perhaps.add(value))
    if (version === undefined) return void this.#perhaps.add(value)
    if (this.#rotated.has(version)) this.faults.push(`version ${version} of ${sharedName} was acknowledged twice`)
    this.#rotated.set(version, value)
  }

  /** What was read of a secret must be one of its states, and is its state from then on. */
  sees(name: string, seen: Seen): void {
    if (name === sharedName) return this.#seesRotated(seen)
    const states = this.#states.get(name) ?? [nothingHeld]
    const still = states.filter((state) => isSeenAs(state, seen))
    if (still.length > 0) this.#states.set(name, still)
    else this.faults.push(`${name} reads as ${shown(seen)}, and must be ${states.map(shown).join(' or ')}`)
  }

  #seesRotated({ versions }: Seen): void {
    const oldest = Math.max(...versions.keys(), 0) - keptByWrites + 1
    for (const [version, value] of this.#rotated) {
      const isKept = version >= oldest
      if (isKept && versions.get(version) !== value) this.faults.push(`version ${version} of ${sharedName} was acknowledged, and is lost`)
      if (!isKept && versions.has(version)) this.faults.push(`version ${version} of ${sharedName} is too old, and is there`)
    }
    for (const [version, value] of versions) {
      if (this.#rotated.has(version)) continue
      if (!this.#perhaps.delete(value)) this.faults.push(`version ${version} of ${sharedName} was never written, or twice`)
      this.#rotated.set(version, value)
    }
    this.#perhaps.clear()
  }
}

function statesAfter(before: readonly Held[], operation: Operation, { version, code, effect }: Outcome): Held[] {
  const possible = before.filter((held) => refusalOf(held, operation) === undefined)
  const done = possible.map((held) => after(held, operation))
  if (code === undefined || effect === 'done') return done.filter(({ last }) => version === undefined || last === version)
  if (effect === 'unknown') return [...before, ...done]
  if (code === 'DELETED' || code === 'NOT_FOUND') return before.filter((held) => refusalOf(held, operation) === code)
  return [...before]
}

function shown({ versions, deleted }: Seen): string {
  const held = [...versions].map(([version, value]) => `${version}=${value.slice(0, 30)}`).join(', ')
  return `${deleted ? 'deleted ' : ''}{ ${held} }`
}
