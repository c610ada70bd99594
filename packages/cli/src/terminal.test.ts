import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { programArgs } from './testing/child.ts'
import { makeProject } from './testing/make-project.ts'
import { openProgram, openTerminal, type PseudoTerminal } from './testing/pseudo-terminal.ts'
import { makeProgram } from './testing/run-program.ts'

const canary = 'canary-4711'
const question = 'Value of TOKEN (hidden)'

interface Project {
  readonly cwd: string
  readonly env: Record<string, string>
  readonly get: (name: string) => Promise<string>
  readonly put: (name: string, value: string, ...flags: string[]) => Promise<unknown>
}

function project(): Project {
  const program = makeProgram()
  return {
    cwd: program.folder,
    env: { APP_KEY: program.key },
    get: async (name) => (await program.run(['get', name])).stdout,
    put: async (name, value, ...flags) => program.run(['set', name, ...flags], value),
  }
}

/** The screen is as the file has it, which a person looked at. */
async function expectScreen(screen: string, name: string): Promise<void> {
  await expect(`${screen}\n`).toMatchFileSnapshot(fileURLToPath(new URL(`testing/screens/${name}.txt`, import.meta.url)))
}

/** The last thing that was said of the cursor is that it is shown. */
function expectCursor(terminal: PseudoTerminal): void {
  expect(terminal.output().lastIndexOf('\u001b[?25h')).toBeGreaterThanOrEqual(terminal.output().lastIndexOf('\u001b[?25l'))
}

describe('a question for a value', () => {
  it.each(['x', canary, 'a longer value, with spaces and 🔑'])('shows neither the value nor its length: %s', async (value) => {
    const { get, ...where } = project()
    const terminal = openProgram(['set', 'TOKEN'], where)
    await terminal.shows(question)
    await expectScreen(await terminal.screen(), 'set-question')
    terminal.type(value)
    terminal.type('\r')
    expect(await terminal.exitCode).toBe(0)
    await expectScreen(await terminal.screen(), 'set-written')
    expect(stripVTControlCharacters(terminal.output())).not.toMatch(/x|canary|longer|•|▪|\*/)
    expect(await get('TOKEN')).toBe(value)
  })

  it('bears another size of the window', async () => {
    const { get, ...where } = project()
    const terminal = openProgram(['set', 'TOKEN'], where)
    await terminal.shows(question)
    terminal.type(canary.slice(0, 5))
    terminal.resize(40, 12)
    terminal.type(canary.slice(5))
    terminal.type('\r')
    expect(await terminal.exitCode).toBe(0)
    expect((await terminal.screen()).split(question)).toHaveLength(2) // asked once
    expect(await get('TOKEN')).toBe(canary)
  })

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Escape', '\u001b'],
    ['Ctrl-D', '\u0004'],
  ])('ends by %s, with nothing written', async (_, key) => {
    const { get, ...where } = project()
    for (const typed of ['', canary]) {
      const terminal = openProgram(['set', 'TOKEN'], where)
      await terminal.shows(question)
      terminal.type(typed)
      terminal.type(key)
      expect(await terminal.exitCode).toBe(130)
      await expectScreen(await terminal.screen(), 'set-interrupted')
      expect(terminal.output()).not.toContain(canary)
      expectCursor(terminal)
    }
    expect(await get('TOKEN')).toBe('')
  })

  it('takes keystrokes that a program pipes into the terminal, and their end', async () => {
    const { get, ...where } = project()
    const terminal = openProgram(['set', 'TOKEN'], where)
    await terminal.shows(question)
    terminal.type(`${canary}\n\u0004`) // as script(1) passes a here-document on
    expect(await terminal.exitCode).toBe(0)
    expectCursor(terminal)
    expect(await get('TOKEN')).toBe(canary)
  })

  it('refuses several pasted lines, and leaves none of them to the shell', async () => {
    const { get, cwd, env } = project()
    const command = [process.execPath, ...programArgs].map((each) => `'${each}'`).join(' ')
    const terminal = openTerminal('/bin/sh', ['-c', `${command} set TOKEN; echo "code $?"; read -r rest; echo "rest: $rest"`], { cwd, env })
    await terminal.shows(question)
    terminal.type(`-----BEGIN-----\r${canary}\r-----END-----\r`)
    await terminal.shows('code 64')
    terminal.type('typed\r')
    expect(await terminal.exitCode).toBe(0)
    expect(await terminal.screen()).toContain('rest: typed')
    expect(await terminal.screen()).toContain('more than one line was pasted')
    expect(terminal.output()).not.toContain(canary)
    expect(await get('TOKEN')).toBe('')
  })

  it('refuses an empty answer', async () => {
    const { get, ...where } = project()
    const terminal = openProgram(['set', 'TOKEN'], where)
    await terminal.shows(question)
    terminal.type('\r')
    expect(await terminal.exitCode).toBe(64)
    expect(await get('TOKEN')).toBe('')
  })

  it('compares what is typed', async () => {
    const { put, get: _, ...where } = project()
    await put('TOKEN', canary)
    const terminal = openProgram(['verify', 'TOKEN'], where)
    await terminal.shows('Value to compare with TOKEN (hidden)')
    terminal.type(`${canary}\r`)
    expect(await terminal.exitCode).toBe(0)
    expect(await terminal.screen()).toContain('matches')
    expect(terminal.output()).not.toContain(canary)
  })
})

describe('a question before a purge', () => {
  it.each([
    ['y', 0, '', 'TOKEN is deleted'],
    ['\r', 1, canary, 'TOKEN was not deleted'],
    ['n', 1, canary, 'TOKEN was not deleted'],
    ['\u0003', 130, canary, 'error: interrupted'],
    ['\u0004', 130, canary, 'error: interrupted'],
    ['y\n', 0, '', 'TOKEN is deleted'],
  ])('is answered by %j', async (answer, code, left, said) => {
    const { put, get, ...where } = project()
    await put('TOKEN', canary)
    const terminal = openProgram(['delete', 'TOKEN', '--purge'], where)
    await terminal.shows('for good?')
    if (code === 1) await expectScreen(await terminal.screen(), 'purge-question')
    terminal.type(answer)
    expect(await terminal.exitCode).toBe(code)
    expect(await terminal.screen()).toContain(said)
    expect(await get('TOKEN')).toBe(left)
  })
})

describe('the questions of init', () => {
  const app = { 'package.json': '{}', '.env': `API_TOKEN=${canary}\nLOG_LEVEL=${canary}\n` }
  const config = 'finchat-secrets.config.json'

  it('are three, and Enter takes what is proposed', async () => {
    const cwd = makeProject(app)
    const terminal = openProgram(['init'], { cwd, columns: 100 })
    for (const asked of ['Where are the secrets', 'Where is the key', 'Which of these']) {
      await terminal.shows(asked)
      terminal.type('\r')
    }
    expect(await terminal.exitCode).toBe(0)
    await expectScreen(await terminal.screen(), 'init-questions')
    expect(terminal.output()).not.toContain(canary)
    expect(JSON.parse(readFileSync(join(cwd, config), 'utf8'))).toMatchObject({ provider: 'local', secrets: { API_TOKEN: {} } })
  })

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('leave nothing behind after %s', async (_, key) => {
    const cwd = makeProject(app)
    const terminal = openProgram(['init'], { cwd })
    await terminal.shows('Where are the secrets')
    terminal.type('\r')
    await terminal.shows('Where is the key')
    terminal.type(key)
    expect(await terminal.exitCode).toBe(130)
    expectCursor(terminal)
    expect(readdirSync(cwd).toSorted()).toEqual(['.env', 'package.json'])
  })

  it('are not put by --yes', async () => {
    const cwd = makeProject(app)
    expect(await openProgram(['init', '--yes'], { cwd }).exitCode).toBe(0)
    expect(readdirSync(cwd)).toContain(config)
  })
})

describe('what a terminal shows', () => {
  const screens: readonly (readonly [name: string, args: readonly string[], code: number])[] = [
    ['help', ['--help'], 0],
    ['get-help', ['get', '--help'], 0],
    ['get-masked', ['get', 'TOKEN'], 0],
    ['get-revealed', ['get', 'TOKEN', '--reveal'], 0],
    ['list', ['list'], 0],
    ['not-found', ['get', 'NOPE'], 66],
    ['misspelt', ['lst'], 64],
  ]

  it.each(screens)('%s', async (name, args, code) => {
    const { put, get: _, ...where } = project()
    await put('TOKEN', canary)
    await put('prod/db', canary, '--tag', 'team=pay')
    const terminal = openProgram(args, { ...where, columns: 120 })
    expect(await terminal.exitCode).toBe(code)
    await expectScreen(await terminal.screen(), name)
  })

  it('has no colours with NO_COLOR, and some without', async () => {
    const where = { cwd: makeProject({}), env: {} }
    for (const args of [['lst'], ['--help'], ['get', 'NOPE']]) {
      const [plain, coloured] = [openProgram(args, { ...where, env: { NO_COLOR: '1' } }), openProgram(args, where)]
      await Promise.all([plain.exitCode, coloured.exitCode])
      expect(plain.output()).not.toContain('\u001b')
      expect(coloured.output()).toContain('\u001b[')
    }
  })
})
