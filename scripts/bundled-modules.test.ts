import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isOwnModule, programChunks } from './bundled-modules.ts'

test.each(['./a.ts', '../a.ts', '/home/me/src/a.ts', 'D:\\a\\src\\a.ts', 'd:/a/src/a.ts', 'src/index.ts'])('%s is bundled', (specifier) => {
  expect(isOwnModule(specifier)).toBe(true)
})

test.each(['node:fs', '@finchat/secrets-core', 'pg', 'srcset'])('%s is not bundled', (specifier) => {
  expect(isOwnModule(specifier)).toBe(false)
})

test.each([
  ['start', '/w/packages/cli/src/start.ts'],
  ['start', 'D:\\w\\packages\\cli\\src\\start.ts'],
  ['context', '/w/packages/cli/src/commands/context.ts'],
  ['context', 'D:\\w\\packages\\cli\\src\\declared\\fallbacks.ts'],
])('the chunk %s has %s', (chunk, module) => {
  const chunks = programChunks.filter(({ test: pattern }) => pattern instanceof RegExp && pattern.test(module))
  expect(chunks.map(({ name }) => name)).toEqual([chunk])
})

test('a build is made anew when a file changes that the bundler imports', () => {
  const file = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
  const imported = [...file('bundle.ts').matchAll(/^import \{.*'\.\/([\w-]+\.ts)'$/gm)].map(([, name]) => `scripts/${name}`)
  const { globalDependencies } = JSON.parse(file('../turbo.json')) as { globalDependencies: readonly string[] } // turbo's format
  expect(imported).toContain('scripts/bundled-modules.ts')
  expect(globalDependencies).toEqual(expect.arrayContaining(['scripts/bundle.ts', ...imported]))
})
