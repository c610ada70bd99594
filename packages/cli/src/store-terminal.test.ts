import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openProgram } from './testing/pseudo-terminal.ts'
import { makeProgram, type Program } from './testing/run-program.ts'

const canary = 'canary-4711'

const config = { provider: 'local', local: { key: { variable: 'APP_KEY' } }, audit: { folder: 'trail' } }

async function audited(): Promise<Program> {
  const program = makeProgram(config)
  await program.run(['audit', 'init', 'trail', '--key-file', 'audit.key'])
  await program.run(['set', 'TOKEN'], canary)
  return program
}

const where = ({ folder, key }: Program): { readonly cwd: string; readonly env: Record<string, string>; readonly columns: number } => ({
  cwd: folder,
  env: { APP_KEY: key },
  columns: 120,
})

it.each([
  ['n', 1, 'later'],
  ['\r', 1, 'later'],
  ['y', 0, canary],
])('a restore shows what would be lost, and is answered by %j', async (answer, code, left) => {
  const program = makeProgram()
  await program.run(['set', 'TOKEN'], canary)
  await program.run(['backup', '--output', 'saved.db'])
  await program.run(['set', 'TOKEN'], 'later')
  const terminal = openProgram(['restore', '--backup', 'saved.db'], where(program))
  await terminal.shows('Replace the store by the backup?')
  expect(await terminal.screen()).toMatch(
    /^the backup: 1 secret in 1 version, .*\nthe store: {2}1 secret in 2 versions, .*\nthe backup lacks 1 version of the store\n/,
  )
  terminal.type(answer)
  expect(await terminal.exitCode).toBe(code)
  expect((await program.run(['get', 'TOKEN'])).stdout).toBe(left)
})

it("a verification asks for the auditor's key, and shows nothing of it", async () => {
  const program = await audited()
  const auditKey = readFileSync(join(program.folder, 'audit.key'), 'utf8')
  const terminal = openProgram(['audit', 'verify', 'trail'], where(program))
  await terminal.shows("The auditor's key (hidden)")
  terminal.type(`${auditKey}\r`)
  await terminal.shows('Verified: every record is as it was written (2).')
  expect(await terminal.exitCode).toBe(1) // no checkpoints were given
  expect(terminal.output()).not.toContain(auditKey.slice(10, 20))
})

it('a query draws a table, and no progress is left at the end', async () => {
  const program = await audited()
  const terminal = openProgram(['audit', 'query', 'trail', '--key-file', 'audit.key'], where(program))
  expect(await terminal.exitCode).toBe(1) // no checkpoints were given
  const screen = await terminal.screen()
  expect(screen).toMatch(/time +operation +name +outcome/)
  expect(screen).toContain('Verified: every record is as it was written (2).')
  expect(screen).not.toContain('records verified')
})

it('a key is not shown on a terminal unless that is asked for', async () => {
  const program = makeProgram(config)
  const terminal = openProgram(['audit', 'init', 'trail'], where(program))
  expect(await terminal.exitCode).toBe(64)
  expect(terminal.output()).not.toContain('audit-key:')
})
