// The order of the site's pages, and the words of its menu.

export interface Group {
  readonly text: string
  /** The words of each entry, by the site's path of the page. */
  readonly pages: Readonly<Record<string, string>>
}

export const groups: readonly Group[] = [
  {
    text: 'Start here',
    pages: { start: 'Start', concepts: 'Concepts', glossary: 'Glossary', migration: 'Migration' },
  },
  {
    text: 'Recipes',
    pages: {
      reading: 'Read secrets',
      'writing-and-rotation': 'Write, rotate, verify',
      rotation: 'Follow a rotation',
      environment: 'Environment variables',
      cli: 'Command line',
      deployment: 'Deployment',
      'bundling-and-lambda': 'Bundling and Lambda',
      'testing-with-jest': 'Testing with Jest',
      'custom-provider': 'A provider of your own',
      'provider-kit': 'What providers share',
      sealing: 'Sealing',
    },
  },
  {
    text: 'Stores and caches',
    pages: {
      aws: 'AWS Secrets Manager',
      vault: 'Vault and OpenBao',
      'local-store': 'The local store',
      'shared-cache': 'The shared cache',
      fleet: 'A fleet and its store',
    },
  },
  {
    text: 'Operations',
    pages: {
      'health-and-readiness': 'Health and readiness',
      monitoring: 'Metrics and alerts',
      runbooks: 'Runbooks',
      rights: 'Rights',
      audit: 'The audit trail',
      compliance: 'For an audit',
    },
  },
  {
    text: 'Packages',
    pages: {
      'packages/core': 'core',
      'packages/cli': 'cli',
      'packages/provider-aws': 'provider-aws',
      'packages/provider-aws-ssm': 'provider-aws-ssm',
      'packages/provider-vault': 'provider-vault',
      'packages/provider-kubernetes': 'provider-kubernetes',
      'packages/provider-file': 'provider-file',
      'packages/provider-local': 'provider-local',
      'packages/cache-keyv': 'cache-keyv',
      'packages/rotation': 'rotation',
      'packages/audit': 'audit',
      'packages/otel': 'otel',
      'packages/testkit': 'testkit',
      'packages/create-secrets-provider': 'create-secrets-provider',
    },
  },
  {
    text: 'Examples',
    pages: {
      'examples/quick-start': 'Quick start',
      'examples/fallback-chain': 'Fallback chain',
      'examples/rotating-postgres': 'Rotating PostgreSQL',
      'examples/monitoring': 'Monitoring',
      'examples/express-token-api': 'Express',
      'examples/fastify-service': 'Fastify',
      'examples/nestjs-app': 'NestJS',
      'examples/nextjs-app': 'Next.js',
      'examples/aws-lambda': 'AWS Lambda',
      'examples/kubernetes': 'Kubernetes',
      'examples/worker-with-redis-cache': 'Workers with a cache',
      'examples/typescript-commonjs': 'CommonJS',
      'examples/custom-provider': 'Custom provider',
    },
  },
  {
    text: 'Facts',
    pages: {
      security: 'Security model',
      performance: 'Performance',
      benchmarks: 'All figures',
      compatibility: 'Compatibility',
      support: 'Versions and support',
    },
  },
  {
    text: 'Inside',
    pages: { architecture: 'Architecture', 'decisions/index': 'Decisions', contributing: 'Contributing' },
  },
]

/** Pages that stand in no group of the menu, and those of a group that do not exist. */
export function menuFaults(pages: Iterable<string>): string[] {
  const [existing, listed] = [new Set(pages), new Set(groups.flatMap((group) => Object.keys(group.pages)))]
  // The decisions' index lists them.
  const isElsewhere = (page: string): boolean => page === 'index' || /^decisions\/\d/.test(page)
  return [
    ...[...existing].filter((page) => !listed.has(page) && !isElsewhere(page)).map((page) => `${page}: no group of the menu lists it`),
    ...[...listed].filter((page) => !existing.has(page)).map((page) => `the menu lists ${page}, which is no page`),
  ]
}
