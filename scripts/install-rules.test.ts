import { describe, expect, test } from 'vitest'
import { packageFiles, repository } from './fixture.ts'
import { dependenciesAreListed, installRules, npxFetchesNothing } from './install-rules.ts'

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

describe('dependencies that SECURITY.md does not list are found', () => {
  const own = packageFiles('cli', { dependencies: { '@finchat/secrets-core': 'workspace:^', b: '^1.0.0', '@acme/a': '^1.0.0' } })
  const rows = (cell: string): string => `| package | brings | for |\n| - | - | - |\n| \`@finchat/secrets-cli\` | ${cell} | all |\n`
  const faults = (security: string): string[] => dependenciesAreListed(repository({ ...own, 'SECURITY.md': security }))

  test('unless each is there, in whatever order', () => {
    expect(faults(rows('`b`, `@acme/a`'))).toEqual([])
  })

  test.each(['nothing', rows('`b`'), rows('`b`, `@acme/a`, `c`')])('%j', (security) => {
    expect(faults(security)).toEqual(['SECURITY.md: @finchat/secrets-cli depends on @acme/a, b'])
  })

  test('as is what users bring', () => {
    const files = repository({
      ...packageFiles('cli', { peerDependencies: { pg: '^8.0.0', yaml: '^2.0.0' } }),
      'SECURITY.md': 'Users bring `pg`.',
    })
    expect(dependenciesAreListed(files)).toEqual(['SECURITY.md does not name yaml, which users bring'])
  })

  test('as is a row of a package that has none, or that is not there', () => {
    const more = '| `@finchat/secrets-audit` | `d` | x |\n| `@finchat/secrets-none` | `d` | x |\n'
    expect(faults(rows('`b`, `@acme/a`') + more)).toEqual([
      'SECURITY.md lists the dependencies of @finchat/secrets-none, which is not published',
      'SECURITY.md: @finchat/secrets-audit depends on nothing',
    ])
  })
})
