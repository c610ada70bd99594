import type { Files } from './files.ts'
import { publishedExports } from './manifest-rules.ts'

/**
 * A small repository in which no rule finds a fault, with `changes` made to it (`undefined` takes a
 * file away).
 */
export function repository(changes: Readonly<Record<string, string | undefined>> = {}): Files {
  const files: Record<string, string | undefined> = {
    'README.md': '```ts\nimport { wrap } from "@finchat/secrets-core"\n```\n',
    'tsconfig.json':
      '{ "references": [{ "path": "packages/core" }, { "path": "packages/testkit" }, { "path": "packages/audit" }, { "path": "examples" }] }',
    ...packageFiles('core'),
    ...packageFiles('testkit', { dependencies: { '@finchat/secrets-core': 'workspace:^' } }),
    ...packageFiles('audit', { dependencies: { '@finchat/secrets-core': 'workspace:^' } }),
    'examples/app/package.json': JSON.stringify({ name: 'example-app', private: true, scripts: { start: 'node src/main.ts' } }),
    'examples/app/README.md': '```sh\nnpm install\nnpm start\n```\n\n```text\nhello\n```\n',
    ...changes,
  }
  return new Map(Object.entries(files).flatMap(([path, text]) => (text === undefined ? [] : [[path, text]])))
}

const entries = {
  '.': {
    '@finchat/source': './src/index.ts',
    require: { types: './dist/index.d.cts', default: './dist/index.cjs' },
    types: './dist/index.d.ts',
    default: './dist/index.js',
  },
  './package.json': './package.json',
}

export function packageFiles(name: string, changes: Readonly<Record<string, unknown>> = {}): Record<string, string> {
  const folder = `packages/${name}`
  const changed = { exports: entries, ...changes }
  const publishConfig = { exports: publishedExports(changed.exports ?? {}) }
  return {
    [`${folder}/package.json`]: JSON.stringify({ ...manifest(name, folder), publishConfig, ...changed }),
    [`${folder}/README.md`]: `\`\`\`ts\nimport * as all from '@finchat/secrets-${name}'\n\`\`\`\n\n${siblings(name)}\n`,
    [`${folder}/CHANGELOG.md`]: `# ${name}\n\n## 0.1.0\n`,
    [`${folder}/tsconfig.json`]: '{ "extends": "../../tsconfig.published.json" }',
    [`${folder}/src/index.ts`]: 'export {}\n',
  }
}

function siblings(name: string): string {
  const others = ['core', 'testkit', 'audit'].filter((other) => other !== name)
  return others.map((other) => `[${other}](https://github.com/finchat/secrets/tree/main/packages/${other})`).join('\n')
}

function manifest(name: string, folder: string): Record<string, unknown> {
  return {
    name: `@finchat/secrets-${name}`,
    version: '0.1.0',
    description: 'A package.',
    keywords: ['a', 'b', 'c', 'secrets', 'secrets manager'],
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=22.19' },
    homepage: `https://github.com/finchat/secrets/tree/main/${folder}#readme`,
    bugs: 'https://github.com/finchat/secrets/issues',
    repository: { type: 'git', url: 'git+https://github.com/finchat/secrets.git', directory: folder },
    files: ['dist', 'src', '!src/**/*.test.ts', '!src/testing', '!dist/**/*.test.*', '!dist/testing', '!dist/.tsbuildinfo', 'CHANGELOG.md'],
    scripts: { build: 'tsc -b && node ../../scripts/bundle.ts' },
    main: './dist/index.cjs',
    types: './dist/index.d.ts',
  }
}
