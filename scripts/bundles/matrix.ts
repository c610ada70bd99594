// What `pnpm bundles` builds, and how each is built and run.
import type { Tool } from './tools.ts'

export const providers = ['env', 'local', 'aws', 'vault'] as const
export type Provider = (typeof providers)[number]

export interface Bundle {
  readonly bundler: Tool
  readonly format: string
  /** The command in the app's folder; none to run the app as it is, beside its `node_modules`. */
  readonly build?: readonly string[]
  /** What is copied out of the app's folder to an empty one. */
  readonly output?: string
  /** The command there. It prints a line of JSON, or serves HTTP. */
  readonly run: readonly string[]
  readonly isServer?: true
  /** It runs beside the app's `node_modules`, as in a Lambda whose runtime brings the AWS SDK. */
  readonly isBesidePackages?: true
  /** What must say why the AWS SDK is not loaded. */
  readonly refusal?: string
  /** What the machine must have besides, as a variable with its path. */
  readonly needs?: string
}

const node = ['node', 'main.mjs']
const esbuild = ['esbuild', 'main.mjs', '--bundle', '--platform=node', '--target=node22', '--format=esm', '--outfile=out/main.mjs']
const bun = (target: string): readonly string[] => ['bun', 'build', 'main.mjs', `--target=${target}`, '--outfile=out/main.mjs']
const deno = ['deno', 'run', '--allow-all', '--cached-only']

export const bundles: readonly Bundle[] = [
  { bundler: 'esbuild', format: 'ESM, mainFields', build: ['node', 'esbuild.mjs'], run: node },
  { bundler: 'esbuild', format: 'ESM, mainFields, chunks', build: ['node', 'esbuild-splitting.mjs'], run: node },
  { bundler: 'esbuild', format: 'ESM, banner', build: ['node', 'esbuild-banner.mjs'], run: node },
  { bundler: 'esbuild', format: 'CJS', build: ['node', 'esbuild-cjs.mjs'], run: ['node', 'main.cjs'] },
  { bundler: 'esbuild', format: 'ESM, neither', build: esbuild, run: node, refusal: "the bundle's `require` cannot load" },
  {
    bundler: 'esbuild',
    format: 'ESM, SDK left out',
    build: [...esbuild, '--external:@aws-sdk/*'],
    run: node,
    refusal: 'cannot be loaded: it is not installed (install @aws-sdk/client-secrets-manager',
  },
  { bundler: 'esbuild', format: 'ESM, SDK beside it', build: [...esbuild, '--external:@aws-sdk/*'], run: node, isBesidePackages: true },
  { bundler: 'rollup', format: 'ESM, chunks', build: ['rollup', '-c', 'rollup.config.mjs'], run: node },
  { bundler: 'rollup', format: 'ESM, one file', build: ['rollup', '-c', 'rollup-one-file.config.mjs'], run: node },
  {
    bundler: 'rollup',
    format: 'ESM, one file, SDK last',
    build: ['rollup', '-c', 'rollup-one-file.config.mjs', '-i', 'main.mjs'],
    run: node,
    refusal: 'in this bundle it has not run yet',
  },
  { bundler: 'rolldown', format: 'ESM, chunks', build: ['rolldown', '-c', 'rolldown.config.mjs'], run: node },
  { bundler: 'webpack', format: 'ESM', build: ['webpack', '-c', 'webpack.config.mjs'], run: node },
  { bundler: 'vite', format: 'SSR', build: ['vite', 'build', '-c', 'vite.config.mjs'], run: node },
  {
    bundler: 'next',
    format: 'route, standalone',
    build: ['next', 'build'],
    output: '.next/standalone',
    run: ['node', 'server.js'],
    isServer: true,
  },
  { bundler: 'bun', format: 'ESM, run by Node.js', build: bun('node'), run: node },
  { bundler: 'bun', format: 'ESM, run by Bun', build: bun('bun'), run: ['bun', '--no-install', 'main.mjs'] },
  { bundler: 'bun', format: 'no bundle', run: ['bun', '--no-install', 'main.mjs'] },
  { bundler: 'deno', format: 'no bundle', run: [...deno, '--node-modules-dir=manual', 'main.mjs'] },
  { bundler: 'deno', format: 'ESM of esbuild', build: ['node', 'esbuild.mjs'], run: [...deno, 'main.mjs'] },
  {
    bundler: 'deno',
    format: 'compile',
    build: ['deno', 'compile', '--allow-all', '--cached-only', '--output=out/main', 'main.mjs'],
    run: ['out/main'],
    needs: 'DENORT_BIN',
  },
]

/** Functions of Lambda, which are frozen. */
export const lambdas: readonly Bundle[] = [
  { bundler: 'esbuild', format: 'Lambda, ESM', build: ['node', 'lambda.mjs'], run: ['handler.mjs'] },
  { bundler: 'esbuild', format: 'Lambda, CJS', build: ['node', 'lambda-cjs.mjs'], run: ['handler.cjs'] },
  { bundler: 'cdk', format: 'Lambda, ESM', build: ['node', 'lambda-cdk.mjs'], run: ['asset.*/index.mjs'] },
]
