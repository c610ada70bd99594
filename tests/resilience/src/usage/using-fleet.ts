import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, start } from '../harness/child.ts'
import type { Orders } from './orders.ts'

/** A process of the fleet. */
export class UsingProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(orders: Orders) {
    this.#child = start(join(import.meta.dirname, 'using-process.ts'), orders)
    if (!this.#child.stdout) throw new Error('the process has no output')
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
  }

  async ready(): Promise<void> {
    const { value } = await this.#lines.next()
    if (value !== 'ready') throw new Error('a process of the fleet did not start')
  }

  /** Tells a pinned process to take the current value, and waits until it has registered it. */
  async take(): Promise<void> {
    this.#child.stdin?.write('take\n')
    const { value } = await this.#lines.next()
    if (value !== 'taken') throw new Error('a pinned process did not take the current value')
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#child.kill(name)
  }

  /** It says goodbye. */
  async close(): Promise<void> {
    this.#child.stdin?.end()
    await ended(this.#child)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await ended(this.#child)
  }
}
