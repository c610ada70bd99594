import { expect, test } from 'vitest'
import { callsIn } from './recording.ts'
import { Replay } from './replay.ts'

const hex = (text: string): string => `"${[...Buffer.from(text)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`

const open = (path: string, descriptor: number, flags = 'O_RDWR|O_CREAT'): string =>
  `openat(AT_FDCWD, ${hex(path)}, ${flags}, 0600) = ${descriptor}`

/** As strace writes it, each call at its second. */
function traced(lines: readonly string[]): string {
  return lines.map((line, second) => `${second}.000000 ${line} <0.000001>`).join('\n')
}

function replayed(...lines: readonly string[]): Replay {
  const replay = new Replay('/s')
  for (const call of callsIn(traced(lines))) replay.apply(call)
  return replay
}

function contents({ now }: Replay): Record<string, string | undefined> {
  return Object.fromEntries([...now.names].map(([name, file]) => [name, now.files.get(file)?.toString()]))
}

test('what was written stands where it was written, with nothing in the gaps', () => {
  const replay = replayed(open('/s/a', 3), `pwrite64(3, ${hex('end')}, 3, 4) = 3`, `pwrite64(3, ${hex('be, gone')}, 8, 0)   = 2`)
  expect(contents(replay)).toEqual({ a: 'be\0\0end' })
})

test('a file is cut or made longer', () => {
  const replay = replayed(open('/s/a', 3), `pwrite64(3, ${hex('long')}, 4, 0) = 4`, 'ftruncate(3, 2) = 0', 'ftruncate(3, 3) = 0')
  expect(contents(replay)).toEqual({ a: 'lo\0' })
  expect(contents(replayed(open('/s/a', 3), `pwrite64(3, ${hex('x')}, 1, 0) = 1`, open('/s/a', 4, 'O_WRONLY|O_TRUNC')))).toEqual({ a: '' })
})

test('a name is another name of the same file until it is removed', () => {
  const made = [open('/s/new', 3), `link(${hex('/s/new')}, ${hex('/s/a')}) = 0`, `pwrite64(3, ${hex('both')}, 4, 0) = 4`]
  expect(contents(replayed(...made))).toEqual({ new: 'both', a: 'both' })
  expect(contents(replayed(...made, `unlink(${hex('/s/new')}) = 0`))).toEqual({ a: 'both' })
  expect(contents(replayed(...made, `rename(${hex('/s/new')}, ${hex('/s/b')}) = 0`))).toEqual({ a: 'both', b: 'both' })
})

test('a file that was removed and made again is another file', () => {
  const replay = replayed(open('/s/a', 3), `unlink(${hex('/s/a')}) = 0`, open('/s/a', 4), `pwrite64(3, ${hex('lost')}, 4, 0) = 4`)
  expect(contents(replay)).toEqual({ a: '' })
})

test('calls that failed, and files elsewhere, change nothing', () => {
  const replay = replayed(
    open('/s/a', 3),
    `pwrite64(3, ${hex('full')}, 4, 0) = -1 ENOSPC (No space left on device)`,
    `openat(AT_FDCWD, ${hex('/elsewhere/b')}, O_RDWR|O_CREAT, 0600) = 4`,
    `pwrite64(4, ${hex('else')}, 4, 0) = 4`,
    'close(3) = 0',
    `openat(AT_FDCWD, ${hex('/elsewhere/c')}, O_RDWR) = 3`,
    `pwrite64(3, ${hex('other')}, 5, 0) = 5`,
  )
  expect(contents(replay)).toEqual({ a: '' })
})

test('a sync tells which file, or that it was the folder', () => {
  const gone = [open('/s/b', 6), `unlink(${hex('/s/b')}) = 0`]
  const replay = replayed(
    open('/s/a', 3),
    open('/s', 4, 'O_RDONLY'),
    open('/elsewhere', 5),
    `write(1, ${hex('printed\n')}, 5) = 5`,
    ...gone,
  )
  const synced = (line: string): (string | undefined)[] =>
    callsIn(traced([line]))
      .slice(1)
      .map((call) => replay.synced(call))
  expect(synced('fsync(3) = 0')).toEqual(['a'])
  expect(synced('fdatasync(4) = 0')).toEqual([''])
  expect(synced('fsync(5) = 0')).toEqual([undefined])
  expect(synced('fsync(6) = 0')).toEqual([undefined])
  expect(synced('fsync(3) = -1 EIO (Input/output error)')).toEqual([])
  expect(replay.output).toBe('printed\n')
})
