import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { makeProject } from '../testing/make-project.ts'
import { programIn } from '../testing/run-program.ts'

const secrets = { FINCHAT_TOKEN: { description: 'of the API */ x' }, 'prod/db': {}, OPTIONAL: { required: false } }
const project = (): string => makeProject({ 'finchat-secrets.config.json': JSON.stringify({ secrets }) })
const written = (folder: string): string => readFileSync(join(folder, 'finchat-secrets.d.ts'), 'utf8')

describe('generate types', () => {
  it('writes what the compiler takes: declared names alone, for process.env and the manager', async () => {
    const folder = project()
    expect(await programIn(folder).run(['generate', 'types'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'finchat-secrets.d.ts is written\n',
    })
    expect(errorsOf(folder, uses)).toEqual(['app.ts(7,40): error TS2345', 'app.ts(8,7): error TS2322'])
  })

  it('finds out by --check whether somebody forgot it, and then writes nothing', async () => {
    const folder = project()
    const { run } = programIn(folder)
    expect(await run(['generate', 'types', '--check'])).toMatchObject({ code: 1, stderr: expect.stringContaining('is out of date') })
    await run(['generate', 'types'])
    expect(await run(['generate', 'types', '--check'])).toMatchObject({ code: 0, stderr: 'finchat-secrets.d.ts is up to date\n' })
    writeFileSync(join(folder, 'finchat-secrets.config.json'), '{"secrets":{"OTHER":{}}}')
    const before = written(folder)
    expect(await run(['generate', 'types', '--check', '--json'])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('"current":false'),
    })
    expect(written(folder)).toBe(before)
  })

  it('writes to stdout or another file, and names that are declared nowhere to none', async () => {
    const { run } = programIn(makeProject({ 'finchat-secrets.config.json': '{}' }))
    expect((await run(['generate', 'types', '--output', '-'])).stdout).toContain('SecretName = never')
    expect((await run(['generate', 'types', '--output', 'types.d.ts'])).stderr).toBe('types.d.ts is written\n')
  })

  it('says how to make a configuration where there is none', async () => {
    const outcome = await programIn(makeProject({})).run(['generate', 'types'])
    expect(outcome).toMatchObject({ code: 64, stderr: expect.stringContaining('finchat-secrets init') })
  })
})

const uses = `import { loadConfig } from '@finchat/secrets-cli'
import type { DeclaredSecrets } from './finchat-secrets.d.ts'
const secrets: DeclaredSecrets = (await loadConfig()).secrets
export const token: string = process.env.FINCHAT_TOKEN + process.env['prod/db']
export const value: string = await secrets.getSecret('FINCHAT_TOKEN', { version: 1 })
export const is: boolean = await secrets.verifySecret('prod/db', 'x')
export default await secrets.getSecret('FINCHAT_TOKN')
const optional: string = process.env.OPTIONAL
await secrets.close()
void optional
`

/** What the compiler finds wrong in a program that uses the types. */
function errorsOf(folder: string, program: string): string[] {
  const own = fileURLToPath(new URL('../..', import.meta.url))
  mkdirSync(join(folder, 'node_modules/@finchat'), { recursive: true })
  symlinkSync(own, join(folder, 'node_modules/@finchat/secrets-cli'))
  symlinkSync(join(own, '../../node_modules/@types'), join(folder, 'node_modules/@types'))
  writeFileSync(join(folder, 'app.ts'), program)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['app.ts', 'finchat-secrets.d.ts'] }))
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  try {
    execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8', stdio: 'pipe', cwd: folder })
    return []
  } catch (error) {
    const { stdout } = error as { readonly stdout: string } // of the compiler
    return stdout
      .split('\n')
      .filter((line) => /^(app|finchat-secrets)\./.test(line))
      .map((line) => line.slice(0, line.indexOf(':', line.indexOf('TS'))))
  }
}

const options = {
  module: 'nodenext',
  target: 'es2024',
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  customConditions: ['@finchat/source'],
  skipLibCheck: false,
  types: ['node'],
}
