import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeScratch } from '../files.ts'
import type { Bundle } from './matrix.ts'
import { build, type Built, faultOf, firstSecret, type Place } from './run-bundle.ts'

const bundle: Bundle = { bundler: 'esbuild', format: 'ESM', build: ['node', 'build.mjs'], run: ['node', 'main.mjs'] }
const prints = 'console.log(JSON.stringify({ value: "of " + process.env.PROVIDER, ms: 7 }))'

function placeWith(code: string): Place {
  const folder = makeScratch('run-bundle-')
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const place = { app: join(folder, 'app'), outside: join(folder, 'run'), env: {} }
  for (const each of [place.app, place.outside]) mkdirSync(each)
  writeFileSync(join(place.app, 'build.mjs'), code)
  return place
}

function builtIn(place: Place): Built {
  const built = build(bundle, place)
  if (Array.isArray(built)) throw new Error(built.join())
  return built
}

const writes = (code: string): string =>
  `import { mkdirSync, writeFileSync } from 'node:fs'; mkdirSync('out/node_modules', { recursive: true }); writeFileSync('out/node_modules/x.js', 'xx'); writeFileSync('out/main.mjs', ${JSON.stringify(code)}); writeFileSync('out/main.map', 'x')`

test('a bundle is built, copied away from its packages, measured, and run there', async () => {
  const place = placeWith(writes(prints))
  const built = builtIn(place)
  expect(built.bytes).toBe(prints.length)
  expect([built.folder.startsWith(place.outside), existsSync(join(built.folder, 'main.mjs'))]).toEqual([true, true])
  expect(await firstSecret(bundle, built.folder, 'aws', place)).toEqual({ value: 'of aws', ms: 7 })
})

test('a build that fails is a fault, and a program that fails rejects', async () => {
  expect(build(bundle, placeWith('process.exit(3)'))).toEqual([expect.stringContaining('build.mjs failed')])
  const place = placeWith(writes('process.exit(3)'))
  const built = builtIn(place)
  await expect(firstSecret(bundle, built.folder, 'aws', place)).rejects.toThrow('Command failed')
})

test('only the secret of the store is right, or the refusal that the bundle must give', () => {
  expect(faultOf(bundle, 'aws', { value: 'of aws', ms: 1 })).toBeUndefined()
  expect(faultOf(bundle, 'aws', { value: 'of vault', ms: 1 })).toBe("read 'of vault', not 'of aws'")
  const refused = { ...bundle, refusal: 'not installed' }
  expect(faultOf(refused, 'aws', { value: 'it is not installed (install x)', ms: 1 })).toBeUndefined()
  expect(faultOf(refused, 'aws', { value: 'of aws', ms: 1 })).toContain("does not say 'not installed'")
  expect(faultOf(refused, 'env', { value: 'of env', ms: 1 })).toBeUndefined()
})
