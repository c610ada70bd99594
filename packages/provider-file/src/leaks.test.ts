import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { leaksOf, matchedTexts } from '@finchat/secrets-testkit'
import { generateIdentity } from 'age-encryption'
import { expect, it } from 'vitest'
import { ageDocument, ageFiles } from './age.ts'
import { mountedSecrets } from './index.ts'
import { sopsDocument } from './sops.ts'
import { identityText, sealAge } from './testing/seal-age.ts'
import { context, failure, fixtures, temporaryFolder } from './testing/temporary-files.ts'

const canary = 'c4n4ry-of-sops'

/** Each provider over a file that holds the canary. */
async function providers(): Promise<{ readonly provider: ReturnType<typeof mountedSecrets>; readonly file: string }[]> {
  const folder = temporaryFolder()
  const fileOf = (name: string): string => join(folder, name)
  await writeFile(fileOf('token'), canary)
  await writeFile(fileOf('token.age'), await sealAge(canary))
  await writeFile(fileOf('s.json.age'), await sealAge(JSON.stringify({ token: canary })))
  await writeFile(fileOf('s.env.age'), await sealAge(`token=${canary}`))
  for (const name of ['secrets.yaml', 'secrets.json']) await writeFile(fileOf(name), await readFile(join(fixtures, 'sops', name)))
  const identity = identityText
  return [
    { provider: mountedSecrets({ folder }), file: fileOf('token') },
    { provider: ageFiles({ folder, identity }) as ReturnType<typeof mountedSecrets>, file: fileOf('token.age') },
    ...['s.json.age', 's.env.age'].map((name) => ({ provider: ageDocument({ file: fileOf(name), identity }), file: fileOf(name) })),
    ...['secrets.yaml', 'secrets.json'].map((name) => ({ provider: sopsDocument({ file: fileOf(name), identity }), file: fileOf(name) })),
  ]
}

it('no provider shows a value or an identity when it is inspected', async () => {
  for (const { provider } of await providers()) {
    expect((await provider.get('token', context))?.value).toBe(canary)
    await provider.probe('token', context)
    for (const secret of [canary, identityText]) {
      expect(leaksOf(provider, secret)).toEqual([])
      expect(inspect(provider, { showHidden: true, showProxy: true, depth: 20 })).not.toContain(secret)
    }
  }
})

it('no regular expression is tried on a value, and none keeps an identity', async () => {
  for (const { provider } of await providers()) {
    const matched = await matchedTexts(async () => {
      await provider.get('token', context)
      await provider.getMany?.(['token'], context)
    })
    expect(leaksOf(matched, canary)).toEqual([])
    await provider.get('token', context)
    expect(leaksOf(RegExp.input, identityText)).toEqual([])
  }
})

it('no error of a damaged file holds what is in it, nor the identity', async () => {
  for (const { provider, file } of await providers()) {
    const content = await readFile(file)
    for (const broken of [
      content.subarray(0, content.length / 2),
      Buffer.concat([content, Buffer.from(`{"${canary}`), Buffer.alloc(2_000_000)]),
    ]) {
      await writeFile(file, broken)
      const [settled] = await Promise.allSettled([provider.get('token', context)])
      if (settled.status === 'fulfilled') continue // half of a mounted file is a value
      for (const secret of [canary, identityText]) expect(leaksOf(settled.reason, secret)).toEqual([])
      expect(settled.reason.cause).toBeUndefined()
    }
  }
})

it('no error holds a refused identity', async () => {
  const [valid, file] = [await generateIdentity(), join(fixtures, 'age/many.json.age')]
  for (const identity of [valid, `${valid}x`, `x${valid}`, valid.toLowerCase(), `"${valid}"`, valid.slice(0, -3), `${valid},${valid}`]) {
    const error = await failure(() => ageDocument({ file, identity }).get('db', context))
    expect(error.code).toBe('CONFIGURATION')
    expect(leaksOf(error, valid.slice(16, 60))).toEqual([])
  }
})
