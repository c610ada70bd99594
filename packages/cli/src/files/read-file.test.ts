import { execFileSync } from 'node:child_process'
import { chmodSync, symlinkSync, truncateSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { readRegular } from './read-file.ts'

const folder = makeProject({ file: 'content', empty: '' })
const problem = (path: string, mostBytes = 100): unknown => Reflect.get(readRegular(resolve(folder, path), mostBytes), 'problem')

describe('readRegular', () => {
  it('reads a file, also behind a link, and one of the system, which says that it has no bytes', () => {
    symlinkSync('file', join(folder, 'link'))
    for (const name of ['file', 'link']) expect(readRegular(join(folder, name), 7)).toEqual({ bytes: Buffer.from('content') })
    expect(readRegular(join(folder, 'empty'), 7)).toEqual({ bytes: Buffer.from('') })
    if (process.platform === 'linux')
      expect(readRegular('/proc/self/status', 100_000)).toMatchObject({ bytes: expect.any(Buffer) as Buffer })
  })

  it('waits for no writer of a FIFO, and reads no device without an end', async () => {
    execFileSync('mkfifo', [join(folder, 'fifo')])
    const server = createServer().listen(join(folder, 'socket'))
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    for (const name of ['fifo', 'socket', '.', '/dev/zero']) expect(problem(name)).toBe('is not a regular file')
  })

  it('reads no more than it may, of what is there and of what is said to be there', () => {
    expect(problem('file', 6)).toBe('is larger than 6 bytes')
    const large = makeProject({ file: '' })
    truncateSync(join(large, 'file'), 2 ** 40)
    expect(readRegular(join(large, 'file'), 100)).toEqual({ problem: 'is larger than 100 bytes' })
  })

  it('says why it could not read, without the path', () => {
    expect(['none', 'file/none'].map((path) => problem(path))).toEqual(['is not there', 'is not there'])
    chmodSync(join(folder, 'empty'), 0o000)
    if (process.getuid?.() !== 0) expect(problem('empty')).toBe('cannot be read: access is denied')
    expect(problem('k'.repeat(300))).toBe('cannot be read')
  })
})
