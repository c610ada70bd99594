import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const guide = readFileSync(new URL('../../../../docs/health-and-readiness.md', import.meta.url), 'utf8')
const recipes = readdirSync(import.meta.dirname).filter((file) => !file.endsWith('.test.ts'))

test.each(recipes)('the guide shows %s as it is tested, in at most 40 lines', (file) => {
  const code = readFileSync(new URL(file, import.meta.url), 'utf8')
  expect(guide).toContain(`\`\`\`${file.endsWith('.ts') ? 'ts check' : 'yaml'}\n${code}\`\`\`\n`)
  expect(code.split('\n').filter((line) => line !== '' && !line.startsWith('import ')).length).toBeLessThanOrEqual(40)
})
