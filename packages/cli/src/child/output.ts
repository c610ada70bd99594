import { write } from 'node:fs'
import type { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { longestTimerMs, pause, systemCode } from '@finchat/secrets-core/provider'
import type { Output } from '../terminal/terminal.ts'
import type { Redactor } from './redactor.ts'

const writeTo = promisify(write)
const busyMs = 5
/** So long nobody writes before a held beginning is shown. */
const quietMs = 50
/** So long what was written before the command ended may take to be read. */
const mostLeftMs = 100
/** All such waits together: a program that was left behind may go on to write. */
const mostWaitMs = 1_000
/** The most that a pipe holds: `pipe-max-size` of https://man7.org/linux/man-pages/man7/pipe.7.html */
const mostLeftBytes = 1_048_576

/** `left`: a program that the command left behind may write more. `unwritten`: not all could be written. */
export type Shown = 'all' | 'left' | 'unwritten'

/**
 * Shows a stream without its values, as fast as the reader takes it. A reader that has enough closes
 * the stream, so that the child learns of it. After `over`, it shows what was written before.
 */
export async function showRedacted(source: Readable, output: Output, redactor: Redactor, over: AbortSignal): Promise<Shown> {
  let quiet: NodeJS.Timeout | undefined
  let last = Promise.resolve()
  // One after another: a full pipe makes the released beginning wait, and what follows must not overtake it.
  const show = async (bytes: Uint8Array): Promise<void> => (last = last.then(async () => writeAll(output, bytes)))
  try {
    for await (const chunk of written(source, over)) {
      clearTimeout(quiet)
      await show(redactor.push(chunk))
      quiet = setTimeout(() => void show(redactor.release()).catch(() => undefined), quietMs)
    }
    clearTimeout(quiet)
    await show(redactor.end())
    return source.readableEnded ? 'all' : 'left'
  } catch (error) {
    return systemCode(error) === 'EPIPE' ? 'all' : 'unwritten'
  } finally {
    clearTimeout(quiet)
  }
}

/** Yields until all writers have closed the stream; after `over`, until what was written before is read. */
async function* written(source: Readable, over: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array, undefined> = source[Symbol.asyncIterator]() // a stream of bytes
  let [leftMs, leftBytes] = [mostWaitMs, mostLeftBytes]
  try {
    for (;;) {
      const next = chunks.next()
      await pause(longestTimerMs, over, next)
      if (over.aborted) {
        const begun = performance.now()
        if (leftBytes <= 0 || !(await isSoon(next, Math.min(mostLeftMs, leftMs)))) return
        leftMs -= performance.now() - begun
      }
      const { done, value } = await next
      if (done) return
      if (over.aborted) leftBytes -= value.length
      yield value
    }
  } finally {
    source.destroy()
  }
}

/** Whether it settles within this time, and once more is read: a process that stood still reads late. */
async function isSoon(next: Promise<unknown>, ms: number): Promise<boolean> {
  let isHere = false
  const here = next.then(
    () => (isHere = true),
    () => (isHere = true),
  )
  await pause(Math.max(0, ms), undefined, here)
  if (!isHere) await setImmediate()
  return isHere
}

/** By the descriptor: the stream of a pipe would stop this whole process, signals too, while the reader is busy. */
async function writeAll(output: Output, bytes: Uint8Array): Promise<void> {
  if (output.fd === undefined) return void output.write(bytes)
  for (let at = 0; at < bytes.length;) at += await writeSome(output.fd, bytes.subarray(at))
}

/** A pipe that somebody else made non-blocking is full at times. */
async function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  try {
    return (await writeTo(fd, bytes)).bytesWritten
  } catch (error) {
    if (systemCode(error) !== 'EAGAIN') throw error
    await pause(busyMs)
    return 0
  }
}
