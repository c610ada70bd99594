import type { CallContext } from '@finchat/secrets-core'
import { Backlog } from '../sinks/backlog.ts'
import { refused } from '../record/errors.ts'
import type { CheckedSyslogOptions, OpenSyslogChannel, SyslogChannel } from './syslog-options.ts'

/** The pause after a failure: it doubles each time. */
const [shortestPauseMs, longestPauseMs] = [250, 30_000]

/**
 * Sends over one channel, and opens another with the next message after it broke. Without a channel
 * messages are refused: the trail counts what a sink missed, and reports it later.
 */
export class SyslogLink {
  readonly #options: CheckedSyslogOptions
  readonly #openChannel: OpenSyslogChannel
  readonly #backlog: Backlog
  #channel: Promise<SyslogChannel> | undefined
  #isIdle = true
  #isClosed = false
  #failures = 0
  #retryAt = 0

  constructor(options: CheckedSyslogOptions, openChannel: OpenSyslogChannel) {
    this.#options = options
    this.#openChannel = openChannel
    this.#backlog = new Backlog(options.maxWaitingBytes, (isEmpty) => this.#idle(isEmpty))
  }

  async send(message: string, { signal }: CallContext): Promise<void> {
    if (this.#isClosed) throw refused('the sink is closed', 'write before close()')
    await this.#backlog.during(message.length, async () => {
      const channel = await (this.#channel ??= this.#open())
      if (signal.aborted) throw refused('the caller gave up on the record', 'see why the server is slow')
      await channel.send(message)
    })
  }

  async close({ signal }: CallContext): Promise<void> {
    this.#isClosed = true
    const ended = this.#channel?.then(
      (channel) => channel.end(signal),
      () => undefined,
    )
    await Promise.race([ended, untilAborted(signal)])
  }

  #open(): Promise<SyslogChannel> {
    const opening = this.#opened(() => {
      if (this.#channel === opening) this.#channel = undefined
    })
    return opening
  }

  async #opened(forget: () => void): Promise<SyslogChannel> {
    if (performance.now() < this.#retryAt) {
      queueMicrotask(forget)
      throw refused('the syslog server could not be reached a moment ago', 'see why; it is asked again by itself')
    }
    try {
      const openedAt = performance.now()
      const channel = await this.#openChannel(this.#options, () => {
        this.#ended(performance.now() - openedAt)
        forget()
      })
      channel.keepAlive(!this.#isIdle)
      return channel
    } catch (error) {
      this.#ended(0)
      forget()
      throw error
    }
  }

  /** A server that accepts and closes at once counts as unreachable. */
  #ended(afterMs: number): void {
    this.#failures = afterMs < shortestPauseMs ? this.#failures + 1 : 0
    if (this.#failures === 0) return
    const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** (this.#failures - 1))
    this.#retryAt = performance.now() + pauseMs * (0.5 + Math.random() / 2)
  }

  #idle(isIdle: boolean): void {
    if (isIdle === this.#isIdle) return
    this.#isIdle = isIdle
    void this.#channel?.then(
      (channel) => channel.keepAlive(!this.#isIdle),
      () => undefined,
    )
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
