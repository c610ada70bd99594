import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { programIn } from '../testing/run-program.ts'

const config = 'finchat-secrets.config.json'

describe('what is offered', () => {
  const { run } = programIn(makeProject({ [config]: '{"secrets":{"API_TOKEN":{},"API_KEY":{},"prod/db:a":{}}}' }))
  const offered = async (partial: string, ...words: string[]): Promise<string[]> => {
    const { stdout } = await run(['__complete', `=${partial}`, ...words])
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(0, line.indexOf('\t')))
  }

  it.each([
    ['ver', [], ['versions', 'verify']],
    ['API', ['get'], ['API_TOKEN', 'API_KEY']],
    ['prod', ['set'], ['prod/db:a']],
    ['--re', ['get'], ['--reveal']],
    ['k', ['list', '--provider'], ['kubernetes']],
    ['', ['init', '--key'], ['file', 'variable', 'keychain']],
    ['z', ['completion'], ['zsh']],
    ['$(touch x)', ['get'], []],
    ['x', ['no-such-command'], []],
  ])('for %j after %j', async (partial, words, expected) => {
    expect(await offered(partial, ...words)).toEqual(expected)
  })

  it('is nothing of a configuration that is wrong, or that is a program', async () => {
    const folder = makeProject({
      [config]: JSON.stringify({ secrets: { '$(touch x)': {}, TOKEN: {} } }),
      'finchat-secrets.config.mts': `throw new Error('it ran')`,
    })
    for (const words of [[], ['--config', 'finchat-secrets.config.mts']])
      expect(await programIn(folder).run(['__complete', '=T', 'get', ...words])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it('has no store asked', async () => {
    const folder = makeProject({
      [config]: JSON.stringify({ provider: 'vault', vault: { url: 'http://127.0.0.1:1' }, secrets: { TOKEN: {} } }),
    })
    expect((await programIn(folder).run(['__complete', '=T', 'get'])).stdout).toBe('TOKEN\tThe name of the secret\n')
  })
})

/** A hostile program: it offers names that a shell would run, and keeps what it was given. */
const answers = ['$(touch ran)', '`touch ran`', "'; touch ran; '", '"$(touch ran)', 'a b', ';touch ran', '*', '$HOME', 'ok:name']
const fake = `#!/bin/sh\nfor each in "$@"; do printf '%s\\n' "$each"; done > given\ncat answers\n`

function hostileFolder(): string {
  const folder = makeProject({ 'bin/finchat-secrets': fake, answers: answers.map((each) => `${each}\tbrief $(touch ran)\n`).join('') })
  chmodSync(join(folder, 'bin/finchat-secrets'), 0o755)
  return folder
}

const typed = ['x$(touch ran)', 'x`touch ran`', "x'; touch ran; '", 'x;touch ran', '"x$(touch ran)', 'x\\', '$(touch ran)']
const isInstalled = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0

async function scriptOf(shell: string): Promise<string> {
  return (await programIn(makeProject({})).run(['completion', shell])).stdout
}

const quotedForSh = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
const bash = {
  run: (folder: string, text: string) => inShell('bash', ['--norc', '-c', text], folder),
  /** Completes a line, and prints each reply between `[` and `]`. */
  complete: (line: string) =>
    `COMP_LINE=${quotedForSh(line)} COMP_POINT=\${#COMP_LINE}; _finchat_secrets finchat-secrets ${quotedForSh(line.slice(Math.max(line.lastIndexOf(' '), line.lastIndexOf(':')) + 1))}; printf '[%s]\\n' "\${COMPREPLY[@]}"`,
}

function inShell(shell: string, args: readonly string[], folder: string): string {
  return execFileSync(shell, args, {
    cwd: folder,
    env: { PATH: `${folder}/bin:${process.env['PATH']}`, HOME: folder },
    encoding: 'utf8',
    stdio: 'pipe',
  })
}

describe('the script for bash', () => {
  it('completes what is typed, and passes it on as it is', async () => {
    const folder = hostileFolder()
    const script = await scriptOf('bash')
    const printed = bash.run(folder, `${script}\n${bash.complete('finchat-secrets get --field a ok')}; cat given`)
    expect(printed).toContain('[ok:name]')
    expect(printed.split('\n').slice(-6, -1)).toEqual(['__complete', '=ok', 'get', '--field', 'a'])
  })

  it('completes behind the colon at which bash parts words', async () => {
    const printed = bash.run(hostileFolder(), `${await scriptOf('bash')}\n${bash.complete('finchat-secrets get ok:na')}`)
    expect(printed).toContain('[name]')
  })

  it('runs neither what is typed nor what is answered, and quotes what it inserts', async () => {
    const folder = hostileFolder()
    const script = await scriptOf('bash')
    const lines = typed.map((word) => bash.complete(`finchat-secrets get ${word}`)).join('\n')
    const inserted = bash.run(
      folder,
      `${script}\n${lines}\nfor reply in "\${COMPREPLY[@]}"; do eval "set -- $reply"; printf '%s\\n' "$1"; done | tail -${answers.length}`,
    )
    expect(inserted.trimEnd().split('\n').slice(-answers.length)).toEqual(answers) // a shell reads it back as the name
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })

  it('can be loaded twice, in a strict shell too', async () => {
    const script = await scriptOf('bash')
    expect(bash.run(hostileFolder(), `set -eu\n${script}\n${script}\n${bash.complete('finchat-secrets ')}`)).toContain('[ok:name]')
  })
})

/** Those that this machine has; snapshots hold their scripts for all. */
const others = Object.entries({
  fish: (word: string) => `source ./script; complete -C '${`finchat-secrets get ${word}`.replaceAll(/[\\']/g, String.raw`\$&`)}'`,
  zsh: (word: string) =>
    `compdef() { : }; _files() { : }; compadd() { print -rl -- "\${(@)values}" }; source ./script; words=(finchat-secrets get ${quotedForSh(word)}) CURRENT=3 PREFIX=${quotedForSh(word)}; _finchat_secrets`,
}).filter(([shell]) => isInstalled(shell))

describe.each(others)('the script for %s', (shell, completes) => {
  it('runs neither what is typed nor what is answered', async () => {
    const folder = hostileFolder()
    writeFileSync(join(folder, 'script'), await scriptOf(shell))
    const printed = [...typed, 'ok'].map((word) => inShell(shell, ['-c', completes(word)], folder))
    expect(printed.at(-1)).toContain('ok:name')
    expect(existsSync(join(folder, 'ran'))).toBe(false)
  })
})

describe('the scripts', () => {
  // That of PowerShell was parsed by the grammar of @vscode/tree-sitter-wasm 0.3.1, and never run.
  it.each([
    ['zsh', 'tried'],
    ['fish', 'tried'],
    ['powershell', 'parsed'],
  ])('%s is as it was %s', async (shell) => {
    await expect(await scriptOf(shell)).toMatchFileSnapshot(`../testing/screens/completion-${shell}.txt`)
  })

  it.each(['bash', 'zsh', 'fish', 'powershell'])('%s evaluates nothing', async (shell) => {
    expect(await scriptOf(shell)).not.toMatch(/\beval\b|Invoke-Expression|\biex\b|compgen/)
  })

  it('are of known shells', async () => {
    expect(await programIn(makeProject({})).run(['completion', 'tcsh'])).toMatchObject({ code: 64, stdout: '' })
  })
})
