import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** A system call that went well, in strace's words. */
export interface Call {
  readonly name: string
  readonly args: readonly string[]
  readonly result: number
}

const recorded = ['openat', 'close', 'pwrite64', 'write', 'ftruncate', 'fsync', 'fdatasync', 'link', 'rename', 'unlink']

/** Longer than anything that is written at once, so that nothing is cut. */
const longestWrite = 2 ** 24

/** Records what the program that follows does to files, each of its threads in a file of its own that begins with `path`. */
export function recordingInto(path: string): string[] {
  return [
    'strace',
    '-ff',
    '-qq',
    '--seccomp-bpf',
    '-xx',
    '-s',
    `${longestWrite}`,
    '-e',
    'signal=none',
    '-e',
    `trace=${recorded.join()}`,
    '-o',
    path,
  ]
}

/** The calls of the one thread that opened something in the folder. Throws if there were more: which of them was first is not recorded. */
export function recordedCalls(path: string, folder: string): Call[] {
  const threads = readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.`))
    .map((name) => callsIn(readFileSync(join(dirname(path), name), 'latin1')))
    .filter((calls) => calls.some(({ name, args }) => name === 'openat' && dirname(textIn(args[1])) === folder))
  const [calls, ...others] = threads
  if (calls === undefined || others.length > 0) throw new Error(`${threads.length} threads opened files of the store`)
  return calls
}

export function callsIn(trace: string): Call[] {
  return trace.split('\n').flatMap((line) => {
    const [, name, args, result] = /^(\w+)\((.*)\) += (\d+)/.exec(line) ?? []
    return name === undefined || args === undefined ? [] : [{ name, args: args.split(', '), result: Number(result) }]
  })
}

/** What stands in an argument that is a text: each byte is written as `\x2f`. */
export function bytesIn(argument = ''): Buffer {
  return Buffer.from(argument.replaceAll(/\\x|"/g, ''), 'hex')
}

export function textIn(argument: string | undefined): string {
  return bytesIn(argument).toString('utf8')
}
