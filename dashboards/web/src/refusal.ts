// Why something that somebody asked for was not done, in words for them.

import { Refused } from "./api/client";
import { t } from "./i18n";

/** The centre's own words, or that it cannot be reached. */
export const whyNot = (error: unknown): string =>
  error instanceof Refused && error.problem.status !== 0 ? error.message : t("act.unreachable");
