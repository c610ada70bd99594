import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../files.ts'
import { bundles, lambdas } from './matrix.ts'

const guide = readFileSync(join(root, 'docs/bundling-and-lambda.md'), 'utf8')
const recipes = readdirSync(join(root, 'scripts/bundles/recipes'))
const shown = [...recipes.map((file) => `recipes/${file}`), 'app/handler.mjs']

test.each(shown)('the guide shows %s as `pnpm bundles` runs it', (file) => {
  expect(guide).toContain(`\`\`\`js\n${readFileSync(join(root, 'scripts/bundles', file), 'utf8')}\`\`\`\n`)
})

test('`pnpm bundles` runs every recipe', () => {
  const used = [...[...bundles, ...lambdas].flatMap(({ build = [] }) => build), 'next.config.mjs']
  expect(recipes.filter((file) => !used.includes(file))).toEqual([])
})
