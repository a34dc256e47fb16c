import { defineConfig } from 'oxlint'
import { folderRules } from './scripts/check/folders.ts'

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'import', 'promise', 'oxc'],
  categories: { correctness: 'error', suspicious: 'error', perf: 'error' },
  options: { typeAware: true },
  rules: {
    'typescript/no-floating-promises': [
      'error',
      {
        allowForKnownSafeCalls: [
          {
            from: 'package',
            package: 'node:test',
            name: ['describe', 'it', 'before', 'after', 'beforeEach', 'afterEach'],
          },
        ],
      },
    ],
    'typescript/no-misused-promises': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/await-thenable': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/consistent-type-imports': 'error',
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'typescript/no-unsafe-type-assertion': 'off',
    'eslint/no-shadow': 'off',
    'eslint/no-await-in-loop': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'promise/no-promise-in-callback': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',
  },
  ignorePatterns: [
    'dist',
    'coverage',
    'reports',
    'node_modules',
    'test/system/faults/fixtures/**',
    'test/system/types/fixtures/**',
    'test/system/package/projects/**',
    '**/*.snapshot.*',
  ],
  overrides: [
    {
      files: ['test/**'],
      rules: { 'typescript/unbound-method': 'off', 'typescript/no-extraneous-class': 'off' },
    },
    // The only import cycle, of types alone: listeners are an option of the breaker, and their events name the breaker.
    // A longer cycle would be reported in the other files that take part in it.
    {
      files: ['src/{breaker,listener,options}.ts'],
      rules: { 'import/no-cycle': ['error', { ignoreTypes: true }] },
    },
    { files: ['*.config.ts'], rules: { 'import/no-default-export': 'off' } },
    ...folderRules(),
  ],
})
