import { refused } from '../record/errors.ts'

/** Bounds what waits to be sent: a peer that hangs must not fill the memory. */
export class Backlog {
  readonly #mostBytes: number
  readonly #onChange: ((isEmpty: boolean) => void) | undefined
  #bytes = 0

  constructor(mostBytes: number, onChange?: (isEmpty: boolean) => void) {
    this.#mostBytes = mostBytes
    this.#onChange = onChange
  }

  /** Counts `bytes` until `send` settles. Rejects with `AUDIT_FAILED` when full. */
  async during(bytes: number, send: () => Promise<void>): Promise<void> {
    if (this.#bytes + bytes > this.#mostBytes) {
      throw refused('too much waits to be sent', 'find out why the receiver stopped reading, or allow more')
    }
    this.#move(bytes)
    try {
      await send()
    } finally {
      this.#move(-bytes)
    }
  }

  #move(bytes: number): void {
    this.#bytes += bytes
    this.#onChange?.(this.#bytes === 0)
  }
}
