import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, start } from '../harness/child.ts'
import { halted, type RotatorOrders } from './rotator-orders.ts'

/** A rotator in a process of its own. */
export interface Rotator {
  readonly child: ChildProcess
  /** What it has said so far: its boundaries, and how it ended. */
  readonly said: readonly string[]
  /** Resolves to the boundary where it halts; undefined: it ended before. */
  readonly halts: Promise<string | undefined>
  readonly kill: () => Promise<void>
  /** Lets it go on after a stop; resolves when it is gone, to how it ended if it was not killed. */
  readonly goOn: () => Promise<string | undefined>
}

export function startRotator(orders: RotatorOrders): Rotator {
  const child = start(join(import.meta.dirname, 'rotator-process.ts'), orders)
  const said: string[] = []
  const { promise: halts, resolve } = Promise.withResolvers<string | undefined>()
  const gone = child.stdout ? createInterface(child.stdout) : undefined
  gone?.on('line', (line) => (line === halted ? resolve(said.at(-1)) : said.push(line)))
  gone?.on('close', () => resolve(undefined))
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended(child)
  }
  const goOn = async (): Promise<string | undefined> => {
    // It says that it halts just before it stops, so that one signal may come too early.
    const again = setInterval(() => child.kill('SIGCONT'), 100)
    await ended(child)
    clearInterval(again)
    return said.find((line) => line.startsWith('ended '))
  }
  return { child, said, halts, kill, goOn }
}
