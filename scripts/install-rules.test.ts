import { describe, expect, test } from 'vitest'
import { packageFiles, repository } from './fixture.ts'
import { installRules, npxFetchesNothing } from './install-rules.ts'

const cli = packageFiles('cli', { bin: { 'our-program': './dist/main.js' } })

test('a repository that keeps the rules has no faults', () => {
  expect(installRules.flatMap((rule) => rule(repository(cli)))).toEqual([])
})

describe('a program that a reader would fetch by a name that is not ours is found', () => {
  test.each([
    'npx our-program get A',
    'exec npx our-program',
    'npx -y our-program',
    'npx --yes our-program',
    'npm exec -- our-program',
    'pnpm dlx our-program',
  ])('%s', (command) => {
    const found = npxFetchesNothing(repository({ ...cli, 'docs/a.md': `# a\n\n${command}\n` }))
    expect(found).toEqual(['docs/a.md:3: fetches a program by a name that is no package of ours: npx --no'])
  })

  test.each(['npx --no our-program get A', 'npx @finchat/secrets-cli get A', 'node_modules/.bin/our-program', 'npx our-program-of-others'])(
    'but not %s',
    (command) => {
      expect(npxFetchesNothing(repository({ ...cli, 'docs/a.md': command }))).toEqual([])
    },
  )
})
