import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** A system call that went well, in strace's words. */
export interface Call {
  readonly name: string
  readonly args: readonly string[]
  readonly result: number
  /** Seconds: where it stands among the calls of all threads. */
  readonly at: number
  /** The same call where it began: a sync stands among the others twice. */
  readonly begun?: Call
}

const recorded = ['execve', 'openat', 'close', 'pwrite64', 'write', 'ftruncate', 'fsync', 'fdatasync', 'link', 'rename', 'unlink']
const syncs = ['fsync', 'fdatasync']

/** Longer than anything that is written at once, so that nothing is cut. */
const longestWrite = 2 ** 24

/**
 * Records what the program that follows does to files, each of its threads in a file of its own
 * that begins with `path`.
 */
export function recordingInto(path: string): string[] {
  const [texts, times] = [
    ['-xx', '-s', `${longestWrite}`],
    ['-ttt', '-T'],
  ]
  return ['strace', '-ff', '-qq', '--seccomp-bpf', ...texts, ...times, '-e', 'signal=none', '-e', `trace=${recorded.join()}`, '-o', path]
}

/** The calls of all threads, in the order in which they took effect. */
export function recordedCalls(path: string): Call[] {
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.`))
    .flatMap((name) => callsIn(readFileSync(join(dirname(path), name), 'latin1')))
    .toSorted((one, other) => one.at - other.at)
}

export function callsIn(trace: string): Call[] {
  return trace.split('\n').flatMap((line) => {
    const [, begun, name, args, result, took] = /^([\d.]+) (\w+)\((.*)\) += (\d+) <([\d.]+)>$/.exec(line) ?? []
    if (name === undefined || args === undefined) return []
    const call = { name, args: args.split(', '), result: Number(result), at: Number(begun) + Number(took) }
    if (!syncs.includes(name)) return [call]
    // A write during a sync may not be covered by it, and output during it may not count on it.
    const beginning = { ...call, at: Number(begun) }
    return [beginning, { ...call, begun: beginning }]
  })
}

/** What stands in an argument that is a text: each byte is written as `\x2f`. */
export function bytesIn(argument = ''): Buffer {
  return Buffer.from(argument.replaceAll(/\\x|"/g, ''), 'hex')
}

export function textIn(argument: string | undefined): string {
  return bytesIn(argument).toString('utf8')
}
