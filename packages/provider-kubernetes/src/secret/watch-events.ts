import { SecretsError } from '@finchat/secrets-core'
import { member } from '@finchat/secrets-core/http'

/** One line of a watch. */
export interface WatchEvent {
  readonly kind: 'changed' | 'deleted' | 'bookmark'
  readonly revision: string
}

/** An event holds metadata only; the annotations of an object have at most 256 KiB. */
const longestLine = 2_097_152

/** Cuts the pieces of a watch into lines, and calls back with their events. */
export class WatchEvents {
  readonly #decoder = new TextDecoder()
  readonly #heard: (event: WatchEvent) => void
  #rest = ''
  #failure: SecretsError | undefined

  constructor(heard: (event: WatchEvent) => void) {
    this.#heard = heard
  }

  /** An `ERROR` event ends the watch with it. */
  get failure(): SecretsError | undefined {
    return this.#failure
  }

  receive(piece: Uint8Array): void {
    if (this.#failure !== undefined) return
    const lines = (this.#rest + this.#decoder.decode(piece, { stream: true })).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > longestLine) this.#failure = unreadable()
    for (const line of lines) if (line.trim() !== '' && this.#failure === undefined) this.#take(line)
  }

  #take(line: string): void {
    const event = parsed(line)
    const [type, revision] = [member(event, 'type'), member(event, 'object', 'metadata', 'resourceVersion')]
    const kind = typeof type === 'string' ? kinds.get(type) : undefined
    if (kind !== undefined && typeof revision === 'string') this.#heard({ kind, revision })
    else if (type === 'ERROR') this.#failure = ended(member(event, 'object', 'code'))
    else this.#failure = unreadable()
  }
}

const kinds: ReadonlyMap<string, WatchEvent['kind']> = new Map([
  ['ADDED', 'changed'],
  ['MODIFIED', 'changed'],
  ['DELETED', 'deleted'],
  ['BOOKMARK', 'bookmark'],
])

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function ended(code: unknown): SecretsError {
  return new SecretsError('UNAVAILABLE', 'the server ended the watch', { storeStatus: typeof code === 'number' ? String(code) : undefined })
}

function unreadable(): SecretsError {
  return new SecretsError('INTERNAL', 'the answer is no watch of Kubernetes')
}
