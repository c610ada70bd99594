import { write } from 'node:fs'
import { promisify } from 'node:util'
import type { Readable } from 'node:stream'
import { pause, systemCode } from '@finchat/secrets-core/provider'
import type { Output } from '../terminal/terminal.ts'
import type { Redactor } from './redactor.ts'

const writeTo = promisify(write)
const busyMs = 5
/** So long nobody writes before a held beginning is shown. */
const quietMs = 50

/**
 * Shows a stream without its values, as fast as the reader takes it. A reader that has enough closes
 * the stream, so that the child learns of it. Returns false if the output cannot be written.
 */
export async function showRedacted(source: Readable, output: Output, redactor: Redactor): Promise<boolean> {
  let quiet: NodeJS.Timeout | undefined
  let last = Promise.resolve()
  // One after another: a full pipe makes the released beginning wait, and what follows must not overtake it.
  const show = async (bytes: Uint8Array): Promise<void> => (last = last.then(async () => writeAll(output, bytes)))
  try {
    for await (const chunk of source) {
      clearTimeout(quiet)
      await show(redactor.push(chunk as Uint8Array)) // a stream of bytes
      quiet = setTimeout(() => void show(redactor.release()).catch(() => undefined), quietMs)
    }
    clearTimeout(quiet)
    await show(redactor.end())
    return true
  } catch (error) {
    return systemCode(error) === 'EPIPE'
  } finally {
    clearTimeout(quiet)
  }
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
