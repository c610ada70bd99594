import { textOrBytes } from '@finchat/secrets-core/provider'
import { UsageError } from './failure.ts'
import { ask } from './prompts.ts'
import { note, type Terminal } from './terminal.ts'
import { visible } from './visible.ts'

/** The most bytes of a value that are read; no store takes more. */
export const mostBytes: number = 4 * 1024 * 1024

export interface InputOptions {
  /** The question on a terminal. */
  readonly question: string
  /** Keep the line end that `echo` adds. */
  readonly exact: boolean
}

/**
 * A value from a hidden prompt, or from the pipe; never from an argument. One line end behind a
 * single line is dropped, since `echo` adds it; several lines are kept to the byte.
 */
export async function readSecretInput(terminal: Terminal, { question, exact }: InputOptions): Promise<string | Uint8Array> {
  if (terminal.stdin.isTTY) return asked(terminal, question)
  const bytes = await pipedBytes(terminal.stdin)
  const end = exact ? 0 : lineEndOf(bytes)
  if (end > 0) note(terminal, 'the line end behind the value was dropped; --exact keeps it')
  const value = bytes.subarray(0, bytes.length - end)
  if (value.length === 0) throw new UsageError('the input is empty', 'pipe a value into this command: printf %s "$VALUE" | …')
  return textOrBytes(value)
}

/** Everything that is piped in. */
export async function pipedBytes(stdin: NodeJS.ReadableStream): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    chunks.push(Buffer.from(chunk as Buffer)) // without an encoding a stream gives bytes
    length += chunk.length
    if (length > mostBytes) throw new UsageError(`the input is larger than ${mostBytes} bytes`, 'give less of it')
  }
  return Buffer.concat(chunks)
}

const [lineFeed, carriageReturn] = [10, 13]

/** How many bytes of a line end stand behind a single line. */
function lineEndOf(bytes: Uint8Array): number {
  if (bytes.indexOf(lineFeed) !== bytes.length - 1 || bytes.length === 0) return 0
  return bytes.at(-2) === carriageReturn ? 2 : 1
}

async function asked(terminal: Terminal, question: string): Promise<string> {
  const pasted = lineCounter()
  const answer = await withoutRest(
    terminal.stdin,
    pasted,
    async () => ask(terminal, ({ password }, place) => password({ message: visible(question), mask: '', ...place })), // a mask would show the length
  )
  if (pasted.lines() > 1) throw new UsageError('more than one line was pasted', 'pipe a value of several lines: … < file')
  if (answer === '') throw new UsageError('the input is empty', 'type the value, then Enter')
  return answer
}

/** Takes from the terminal what comes behind an answer, or an interruption. */
async function withoutRest(stdin: NodeJS.ReadStream, pasted: LineCounter, asking: () => Promise<string>): Promise<string> {
  stdin.on('data', pasted.count)
  try {
    return await asking()
  } finally {
    await drained(stdin, pasted)
    stdin.off('data', pasted.count)
    stdin.pause()
  }
}

interface LineCounter {
  readonly count: (chunk: Buffer | string) => void
  readonly lines: () => number
  readonly characters: () => number
}

/** What a terminal gets for the end of a file, or for Ctrl-D. */
const endOfInput = '\u0004'

/** Counts what Enter sends: the rest of a pasted text would otherwise reach the shell, and its history. */
function lineCounter(): LineCounter {
  let [ends, characters] = [0, 0]
  let isOpen = false
  return {
    count: (chunk) => {
      for (const character of chunk.toString().replaceAll(endOfInput, '')) {
        characters++
        if (character === '\r' || character === '\n') ends++
        isOpen = character !== '\r' && character !== '\n'
      }
    },
    lines: () => ends + (isOpen ? 1 : 0),
    characters: () => characters,
  }
}

/** A pause after which a pasted text has ended; over a slow line its parts come one by one. */
const pauseMs = 60

/** Takes from the terminal what came behind the answer, until nothing more comes. */
async function drained(stdin: NodeJS.ReadStream, pasted: LineCounter): Promise<void> {
  stdin.setRawMode?.(true)
  stdin.resume()
  let seen: number
  do {
    seen = pasted.characters()
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  } while (pasted.characters() > seen)
  stdin.setRawMode?.(false)
}
