import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../../../', import.meta.url)

test.each([
  ['map-provider.ts', 'ts'],
  ['map-provider.test.ts', 'ts'],
  ['numbered-provider.ts', 'ts check'],
])('the guide shows %s as it is tested', (file, fence) => {
  const guide = readFileSync(new URL('docs/custom-provider.md', root), 'utf8')
  const code = readFileSync(new URL(`examples/custom-provider/src/${file}`, root), 'utf8')
  expect(guide).toContain(`\`\`\`${fence}\n${code}\`\`\`\n`)
})
