import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { generatorKinds, type Kinds, rotationShapes, targetKinds } from '../config/rotation-settings.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { programArgs, withoutCache } from '../testing/child.ts'
import { localConfig, makeProgram } from '../testing/run-program.ts'

describe('the guide to rotation', () => {
  const guide = readFileSync(new URL('../../../../docs/rotation.md', import.meta.url), 'utf8')
  const [, section = ''] = /^### In the configuration file\n([^]*?)^### /m.exec(guide) ?? []
  const rowOf = (first: string): string => section.split('\n').find((line) => line.startsWith(`| \`${first}\``)) ?? ''

  it('makes the first ring of signing keys, which rotate then takes', async () => {
    const [, script = ''] = /^```sh\n([^]*?)^```$/m.exec(section) ?? []
    const rotation = { JWT_KEYS: { target: { kind: 'signingKeys', algorithm: 'ES256', former: 2 } } }
    const { folder, key, run } = makeProgram({ ...localConfig, rotation })
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const config = `set --config ${shellWord(join(folder, 'finchat-secrets.config.json'))}`
    const program = [process.execPath, ...programArgs].map(shellWord).join(' ')
    const called = script.replace('finchat-secrets set', `finchat-secrets ${config}`).replaceAll('finchat-secrets ', `${program} `)
    const env = { ...withoutCache, PATH: dirname(process.execPath), NODE_OPTIONS: '--conditions=@finchat/source', APP_KEY: key }
    execFileSync('/bin/sh', ['-ec', called], { cwd: fileURLToPath(new URL('../..', import.meta.url)), env, stdio: 'pipe' })
    const ring = async (): Promise<{ keys: object[] }> => JSON.parse((await run(['get', 'JWT_KEYS'])).stdout) as { keys: object[] }
    const before = (await ring()).keys.length
    expect(await run(['rotate', 'JWT_KEYS'])).toMatchObject({ code: 0 })
    expect((await ring()).keys.length).toBe(before + 1)
  })

  it.each(Object.entries({ ...generatorKinds, ...targetKinds } as Kinds))('has every member of %s', (kind, shapes) => {
    const missing = Object.keys(shapes).filter((member) => !rowOf(kind).includes(`\`${member}\``))
    expect([rowOf(kind) === '', missing]).toEqual([false, []])
  })

  it('marks what a target needs, and nothing else', () => {
    for (const [kind, shapes] of Object.entries(targetKinds as Kinds)) {
      const marked = [...rowOf(kind).matchAll(/\*\*`(\w+)`\*\*/g)].map(([, member]) => member)
      expect(marked).toEqual(Object.entries(shapes).flatMap(([member, { needed }]) => (needed ? [member] : [])))
    }
  })

  it('has every member beside them', () => {
    expect(Object.keys(rotationShapes).filter((member) => rowOf(member) === '')).toEqual([])
  })
})
