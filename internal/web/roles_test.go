package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/handover"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
	"dingdong/internal/webhook"
)

// The columns of the table below: what a route answers to each role, and to
// somebody who is not signed in.
var askers = [...]string{"advisor", "manager", "marketing", "privacy", "admin", "nobody"}

// answersTo is every route of routes.go and what it answers. The paths name things
// that are there: a thread at the advisor's counter, a store, a token. The advisor and
// the manager see that counter, the privacy officer sees it and writes nothing,
// marketing and the administrator stand at no counter and do not see it: 404.
// Requests carry no more than formOf says, so 422 means that she may and has not
// filled it in.
var answersTo = map[string][len(askers)]int{
	// advisor, manager, marketing, privacy, admin, nobody

	// frame
	"GET /{$}":         {303, 303, 303, 303, 303, 303},
	"GET /static/":     {404, 404, 404, 404, 404, 404},
	"GET /favicon.ico": {302, 302, 302, 302, 302, 302},
	"GET /healthz":     {200, 200, 200, 200, 200, 200},
	"GET /readyz":      {200, 200, 200, 200, 200, 200},
	"/":                {404, 404, 404, 404, 404, 404},

	// signing in, and oneself
	"GET /first":                                {303, 303, 303, 303, 303, 303},
	"POST /first":                               {422, 422, 422, 422, 422, 422},
	"GET /sign-in":                              {303, 303, 303, 303, 303, 200},
	"POST /sign-in":                             {422, 422, 422, 422, 422, 422},
	"POST /sign-in/demo":                        {404, 404, 404, 404, 404, 404},
	"GET /sign-in/sso":                          {403, 403, 403, 403, 403, 403},
	"GET /sign-in/sso/back":                     {403, 403, 403, 403, 403, 403},
	"GET /sign-in/sso/out":                      {303, 303, 303, 303, 303, 303},
	"GET /again/sso":                            {403, 403, 403, 403, 403, 303},
	"GET /admin/sign-in":                        {403, 403, 403, 403, 200, 303},
	"POST /admin/sign-in":                       {403, 403, 403, 403, 422, 401},
	"POST /admin/sso":                           {403, 403, 403, 403, 403, 401},
	"POST /admin/sso/check":                     {403, 403, 403, 403, 200, 401},
	"POST /sign-in/passkey/ask":                 {422, 422, 422, 422, 422, 422},
	"POST /sign-in/passkey":                     {415, 415, 415, 415, 415, 415},
	"POST /again/passkey/ask":                   {422, 422, 422, 422, 422, 401},
	"POST /again/passkey":                       {415, 415, 415, 415, 415, 401},
	"GET /me/passkeys/new":                      {200, 200, 200, 200, 200, 303},
	"POST /me/passkeys/ask":                     {422, 422, 422, 422, 422, 401},
	"POST /me/passkeys":                         {415, 415, 415, 415, 415, 401},
	"POST /me/passkeys/{passkey}/remove":        {404, 404, 404, 404, 404, 401},
	"POST /admin/staff/{staff}/passkeys/remove": {403, 403, 403, 403, 303, 401},
	"POST /sign-out":                            {303, 303, 303, 303, 303, 401},
	"GET /again":                                {303, 303, 303, 303, 303, 303},
	"POST /again":                               {303, 303, 303, 303, 303, 401},
	"POST /language":                            {422, 422, 422, 422, 422, 422},
	"GET /more":                                 {200, 200, 200, 200, 200, 303},
	"GET /me":                                   {200, 200, 200, 200, 200, 303},
	"POST /me/look":                             {303, 303, 303, 303, 303, 401},
	"POST /me/away":                             {422, 422, 403, 403, 422, 401},
	"GET /me/cards":                             {200, 200, 403, 403, 200, 303},
	"GET /me/shown":                             {200, 200, 403, 403, 200, 303},
	"POST /me/shown":                            {303, 303, 403, 403, 303, 401},
	"POST /me/password":                         {422, 422, 422, 422, 422, 401},
	"POST /me/sessions/end-others":              {303, 303, 303, 303, 303, 401},
	"POST /me/sessions/{session}/end":           {303, 303, 303, 303, 303, 401},

	// messages
	"GET /find":                                      {200, 200, 200, 200, 200, 303},
	"GET /today":                                     {200, 200, 200, 200, 200, 303},
	"POST /today/aside":                              {422, 422, 403, 403, 422, 401},
	"GET /inbox":                                     {200, 200, 200, 200, 200, 303},
	"GET /inbox/waiting":                             {200, 200, 200, 200, 200, 303},
	"GET /inbox/{thread}":                            {200, 200, 404, 200, 404, 303},
	"GET /inbox/{thread}/messages":                   {200, 200, 404, 200, 404, 303},
	"GET /inbox/{thread}/head":                       {200, 200, 404, 200, 404, 303},
	"GET /inbox/{thread}/card":                       {200, 200, 404, 200, 404, 303},
	"POST /inbox/{thread}/messages":                  {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/messages/{message}/resend": {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/messages/{message}/cancel": {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/upload":                    {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/take":                      {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/release":                   {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/transfer":                  {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/close":                     {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/reopen":                    {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/name":                      {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/draft":                     {204, 204, 403, 403, 404, 401},
	"POST /inbox/{thread}/typing":                    {204, 204, 403, 403, 404, 401},
	"POST /inbox/{thread}/seen":                      {204, 204, 404, 204, 404, 401},

	// the card beside a thread
	"GET /inbox/{thread}/offers":                    {200, 200, 403, 403, 404, 303},
	"GET /inbox/{thread}/contact":                   {200, 200, 403, 403, 404, 303},
	"GET /inbox/{thread}/card/{part}":               {200, 200, 404, 200, 404, 303},
	"GET /inbox/{thread}/card/known/{name}":         {200, 200, 404, 200, 404, 303},
	"POST /inbox/{thread}/card/known/{name}":        {200, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/values/{row}/forget": {404, 404, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/advisor":             {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/tags":                {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/tags/{row}/undo":     {404, 404, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/notes":               {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/notes/{row}":         {403, 200, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/wishes":              {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/wishes/{row}":        {404, 404, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/promises":            {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/promises/{row}":      {404, 404, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/contacts":            {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/contacts/{row}/show": {404, 404, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/contacts/{row}/end":  {404, 404, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/consent":             {422, 422, 403, 422, 404, 401},
	"POST /inbox/{thread}/card/pause":               {200, 200, 403, 200, 404, 401},
	"GET /inbox/{thread}/consent":                   {200, 200, 403, 200, 404, 303},
	"POST /inbox/{thread}/consent":                  {422, 422, 403, 422, 404, 401},
	"POST /inbox/{thread}/card/one":                 {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/not-one":             {422, 422, 403, 403, 404, 401},
	"POST /inbox/{thread}/card/merges/{row}/apart":  {404, 404, 403, 403, 404, 401},
	"GET /media/{message}":                          {404, 404, 404, 404, 404, 303},
	"GET /media/{message}/preview":                  {404, 404, 404, 404, 404, 303},
	"GET /faces/{thread}/{version}":                 {404, 404, 404, 404, 404, 303},
	"GET /live":                                     {200, 200, 200, 200, 200, 303},

	// printed cards
	"POST /cards":             {422, 422, 403, 403, 422, 401},
	"GET /cards/{file}":       {200, 200, 403, 403, 200, 303},
	"GET /cards/{card}/print": {200, 200, 403, 403, 200, 303},
	"POST /cards/{card}/end":  {303, 303, 403, 403, 303, 401},

	// administration
	"GET /admin":                                                  {403, 200, 200, 200, 200, 303},
	"GET /admin/stores":                                           {403, 403, 403, 403, 200, 303},
	"GET /admin/stores/new":                                       {403, 403, 403, 403, 200, 303},
	"POST /admin/stores":                                          {403, 403, 403, 403, 422, 401},
	"GET /admin/stores/{store}":                                   {403, 403, 403, 403, 200, 303},
	"POST /admin/stores/{store}":                                  {403, 403, 403, 403, 422, 401},
	"POST /admin/stores/{store}/close":                            {403, 403, 403, 403, 303, 401},
	"POST /admin/stores/{store}/reopen":                           {403, 403, 403, 403, 303, 401},
	"GET /admin/brands":                                           {403, 403, 403, 403, 200, 303},
	"GET /admin/brands/new":                                       {403, 403, 403, 403, 200, 303},
	"POST /admin/brands":                                          {403, 403, 403, 403, 422, 401},
	"GET /admin/brands/{brand}":                                   {403, 403, 403, 403, 200, 303},
	"POST /admin/brands/{brand}":                                  {403, 403, 403, 403, 422, 401},
	"POST /admin/brands/{brand}/close":                            {403, 403, 403, 403, 303, 401},
	"POST /admin/brands/{brand}/reopen":                           {403, 403, 403, 403, 303, 401},
	"GET /admin/counters":                                         {403, 403, 403, 403, 200, 303},
	"GET /admin/counters/new":                                     {403, 403, 403, 403, 200, 303},
	"POST /admin/counters":                                        {403, 403, 403, 403, 422, 401},
	"GET /admin/counters/{counter}":                               {403, 403, 403, 403, 200, 303},
	"POST /admin/counters/{counter}":                              {403, 403, 403, 403, 303, 401},
	"POST /admin/counters/{counter}/close":                        {403, 403, 403, 403, 303, 401},
	"POST /admin/counters/{counter}/reopen":                       {403, 403, 403, 403, 303, 401},
	"GET /admin/staff":                                            {403, 403, 403, 403, 200, 303},
	"GET /admin/staff/new":                                        {403, 403, 403, 403, 200, 303},
	"POST /admin/staff":                                           {403, 403, 403, 403, 422, 401},
	"GET /admin/staff/{staff}":                                    {403, 403, 403, 403, 200, 303},
	"POST /admin/staff/{staff}":                                   {403, 403, 403, 403, 422, 401},
	"POST /admin/staff/{staff}/password":                          {403, 403, 403, 403, 200, 401},
	"POST /admin/staff/{staff}/end":                               {403, 403, 403, 403, 303, 401},
	"POST /admin/staff/{staff}/return":                            {403, 403, 403, 403, 303, 401},
	"POST /admin/staff/{staff}/away":                              {403, 403, 403, 403, 422, 401},
	"GET /admin/accounts":                                         {403, 403, 403, 403, 200, 303},
	"GET /admin/accounts/new":                                     {403, 403, 403, 403, 200, 303},
	"POST /admin/accounts":                                        {403, 403, 403, 403, 422, 401},
	"GET /admin/accounts/{account}":                               {403, 403, 403, 403, 200, 303},
	"POST /admin/accounts/{account}":                              {403, 403, 403, 403, 422, 401},
	"POST /admin/accounts/{account}/check":                        {403, 403, 403, 403, 200, 401},
	"POST /admin/accounts/{account}/old-secret/end":               {403, 403, 403, 403, 404, 401},
	"POST /admin/accounts/{account}/close":                        {403, 403, 403, 403, 303, 401},
	"POST /admin/accounts/{account}/reopen":                       {403, 403, 403, 403, 303, 401},
	"GET /admin/handovers":                                        {403, 200, 403, 403, 200, 303},
	"GET /admin/handovers/new":                                    {403, 200, 403, 403, 200, 303},
	"POST /admin/handovers":                                       {403, 422, 403, 403, 422, 401},
	"GET /admin/handovers/{handover}":                             {403, 200, 403, 403, 200, 303},
	"POST /admin/handovers/{handover}":                            {403, 422, 403, 403, 422, 401},
	"GET /admin/handovers/{handover}/edit":                        {403, 200, 403, 403, 200, 303},
	"GET /admin/handovers/{handover}/progress":                    {403, 200, 403, 403, 200, 303},
	"POST /admin/handovers/{handover}/hand":                       {403, 422, 403, 403, 422, 401},
	"POST /admin/handovers/{handover}/texts":                      {403, 303, 403, 403, 303, 401},
	"POST /admin/handovers/{handover}/ends":                       {403, 422, 403, 403, 422, 401},
	"POST /admin/handovers/{handover}/start":                      {403, 303, 403, 403, 303, 401},
	"POST /admin/handovers/{handover}/pause":                      {403, 303, 403, 403, 303, 401},
	"POST /admin/handovers/{handover}/resume":                     {403, 303, 403, 403, 303, 401},
	"POST /admin/handovers/{handover}/cancel":                     {403, 303, 403, 403, 303, 401},
	"POST /admin/handovers/{handover}/recall":                     {403, 422, 403, 403, 422, 401},
	"POST /admin/handovers/{handover}/retry":                      {403, 303, 403, 403, 303, 401},
	"POST /admin/handovers/{handover}/forgo":                      {403, 303, 403, 403, 303, 401},
	"POST /admin/handovers/{handover}/drop":                       {403, 422, 403, 403, 422, 401},
	"GET /admin/replies":                                          {403, 200, 403, 403, 200, 303},
	"GET /admin/replies/new":                                      {403, 200, 403, 403, 200, 303},
	"POST /admin/replies":                                         {403, 422, 403, 403, 422, 401},
	"GET /admin/replies/{reply}":                                  {403, 200, 403, 403, 200, 303},
	"POST /admin/replies/{reply}":                                 {403, 422, 403, 403, 422, 401},
	"POST /admin/replies/{reply}/move":                            {403, 303, 403, 403, 303, 401},
	"POST /admin/replies/{reply}/delete":                          {403, 303, 403, 403, 303, 401},
	"GET /admin/cards":                                            {403, 200, 403, 403, 200, 303},
	"GET /admin/attributes":                                       {403, 403, 403, 403, 200, 303},
	"GET /admin/attributes/new":                                   {403, 403, 403, 403, 200, 303},
	"POST /admin/attributes":                                      {403, 403, 403, 403, 422, 401},
	"GET /admin/attributes/{attribute}":                           {403, 403, 403, 403, 200, 303},
	"POST /admin/attributes/{attribute}":                          {403, 403, 403, 403, 303, 401},
	"POST /admin/attributes/{attribute}/close":                    {403, 403, 403, 403, 303, 401},
	"POST /admin/attributes/{attribute}/reopen":                   {403, 403, 403, 403, 303, 401},
	"GET /admin/tags":                                             {403, 403, 403, 403, 200, 303},
	"GET /admin/tags/new":                                         {403, 403, 403, 403, 200, 303},
	"POST /admin/tags":                                            {403, 403, 403, 403, 422, 401},
	"GET /admin/tags/{tag}":                                       {403, 403, 403, 403, 200, 303},
	"POST /admin/tags/{tag}":                                      {403, 403, 403, 403, 303, 401},
	"POST /admin/tags/{tag}/close":                                {403, 403, 403, 403, 303, 401},
	"POST /admin/tags/{tag}/reopen":                               {403, 403, 403, 403, 303, 401},
	"GET /admin/words":                                            {403, 200, 200, 403, 200, 303},
	"POST /admin/words/try":                                       {403, 422, 422, 403, 422, 401},
	"GET /admin/words/{language}":                                 {403, 200, 200, 403, 200, 303},
	"GET /admin/words/{language}/new":                             {403, 200, 200, 403, 200, 303},
	"POST /admin/words/{language}":                                {403, 422, 422, 403, 422, 401},
	"POST /admin/words/{language}/try":                            {403, 422, 422, 403, 422, 401},
	"GET /admin/words/{language}/{version}":                       {403, 200, 200, 403, 200, 303},
	"POST /admin/words/{language}/{version}":                      {403, 422, 422, 403, 422, 401},
	"POST /admin/words/{language}/{version}/publish":              {403, 303, 303, 403, 303, 401},
	"POST /admin/words/{language}/{version}/drop":                 {403, 303, 303, 403, 303, 401},
	"GET /admin/purposes":                                         {403, 200, 403, 200, 200, 303},
	"GET /admin/purposes/new":                                     {403, 403, 403, 200, 200, 303},
	"POST /admin/purposes":                                        {403, 403, 403, 422, 422, 401},
	"GET /admin/purposes/{purpose}":                               {403, 200, 403, 200, 200, 303},
	"POST /admin/purposes/{purpose}":                              {403, 403, 403, 422, 422, 401},
	"GET /admin/contact-rules":                                    {403, 200, 403, 200, 200, 303},
	"POST /admin/contact-rules":                                   {403, 403, 403, 422, 422, 401},
	"GET /admin/chat-rules":                                       {403, 200, 403, 200, 200, 303},
	"POST /admin/chat-rules":                                      {403, 403, 403, 303, 303, 401},
	"POST /admin/chat-rules/try":                                  {403, 200, 403, 200, 200, 401},
	"POST /admin/contact-rules/preview":                           {403, 200, 403, 200, 200, 401},
	"GET /admin/products":                                         {403, 403, 403, 403, 200, 303},
	"GET /admin/products/new":                                     {403, 403, 403, 403, 200, 303},
	"POST /admin/products":                                        {403, 403, 403, 403, 422, 401},
	"GET /admin/products/{product}":                               {403, 403, 403, 403, 200, 303},
	"POST /admin/products/{product}":                              {403, 403, 403, 403, 422, 401},
	"GET /admin/products/{product}/variants/new":                  {403, 403, 403, 403, 200, 303},
	"POST /admin/products/{product}/variants":                     {403, 403, 403, 403, 422, 401},
	"GET /admin/products/{product}/variants/{variant}":            {403, 403, 403, 403, 200, 303},
	"POST /admin/products/{product}/variants/{variant}":           {403, 403, 403, 403, 303, 401},
	"GET /admin/arrivals":                                         {403, 403, 403, 403, 200, 303},
	"GET /admin/imports":                                          {403, 403, 403, 403, 200, 303},
	"POST /admin/imports":                                         {403, 403, 403, 403, 422, 401},
	"GET /admin/imports/{import}":                                 {403, 403, 403, 403, 200, 303},
	"GET /admin/imports/{import}/progress":                        {403, 403, 403, 403, 200, 303},
	"GET /admin/imports/{import}/errors.csv":                      {403, 403, 403, 403, 200, 303},
	"POST /admin/imports/{import}/start":                          {403, 403, 403, 403, 303, 401},
	"POST /admin/imports/{import}/drop":                           {403, 403, 403, 403, 303, 401},
	"GET /admin/tokens":                                           {403, 403, 403, 403, 200, 303},
	"GET /admin/tokens/new":                                       {403, 403, 403, 403, 200, 303},
	"POST /admin/tokens":                                          {403, 403, 403, 403, 422, 401},
	"POST /admin/tokens/{token}/end":                              {403, 403, 403, 403, 303, 401},
	"GET /admin/key":                                              {403, 403, 403, 403, 200, 303},
	"GET /admin/key/progress":                                     {403, 403, 403, 403, 200, 303},
	"GET /admin/webhooks":                                         {403, 403, 403, 403, 200, 303},
	"GET /admin/webhooks/new":                                     {403, 403, 403, 403, 200, 303},
	"POST /admin/webhooks":                                        {403, 403, 403, 403, 422, 401},
	"GET /admin/webhooks/{endpoint}":                              {403, 403, 403, 403, 200, 303},
	"POST /admin/webhooks/{endpoint}":                             {403, 403, 403, 403, 422, 401},
	"POST /admin/webhooks/{endpoint}/secret":                      {403, 403, 403, 403, 200, 401},
	"POST /admin/webhooks/{endpoint}/old-secret/end":              {403, 403, 403, 403, 303, 401},
	"POST /admin/webhooks/{endpoint}/pause":                       {403, 403, 403, 403, 303, 401},
	"POST /admin/webhooks/{endpoint}/resume":                      {403, 403, 403, 403, 303, 401},
	"POST /admin/webhooks/{endpoint}/end":                         {403, 403, 403, 403, 303, 401},
	"POST /admin/webhooks/{endpoint}/deliveries/{delivery}/retry": {403, 403, 403, 403, 303, 401},
	"GET /admin/blocks":                                           {403, 200, 403, 403, 200, 303},
	"GET /admin/failures":                                         {403, 200, 403, 403, 200, 303},
	"POST /admin/failures/messages/{message}/resend":              {403, 303, 403, 403, 404, 401},
	"POST /admin/failures/jobs/{job}/retry":                       {403, 403, 403, 403, 303, 401},
	"POST /admin/failures/jobs/{job}/discard":                     {403, 403, 403, 403, 303, 401},
	"GET /admin/privacy":                                          {403, 403, 403, 200, 403, 303},
	"GET /admin/privacy/people/{customer}":                        {403, 403, 403, 200, 403, 303},
	"POST /admin/privacy/people/{customer}/requests":              {403, 403, 403, 422, 403, 401},
	"POST /admin/privacy/requests/{request}":                      {403, 403, 403, 404, 403, 401},
	"POST /admin/privacy/people/{customer}/file":                  {403, 403, 403, 303, 403, 401},
	"GET /admin/privacy/files/{file}":                             {403, 403, 403, 404, 403, 303},
	"GET /admin/privacy/people/{customer}/erase":                  {403, 403, 403, 200, 403, 303},
	"POST /admin/privacy/people/{customer}/erase":                 {403, 403, 403, 422, 403, 401},
	"GET /admin/privacy/keeping":                                  {403, 403, 403, 200, 403, 303},
	"POST /admin/privacy/keeping":                                 {403, 403, 403, 422, 403, 401},
	"GET /admin/audit":                                            {403, 403, 403, 200, 200, 303},
	"POST /admin/audit/verify":                                    {403, 403, 403, 200, 200, 401},

	"GET /admin/alarms":                   {403, 403, 403, 200, 200, 303},
	"GET /admin/alarms/count":             {403, 403, 403, 200, 200, 303},
	"GET /admin/alarms/settings":          {403, 403, 403, 403, 200, 303},
	"POST /admin/alarms/settings":         {403, 403, 403, 403, 422, 401},
	"GET /admin/alarms/{alarm}":           {403, 403, 403, 200, 200, 303},
	"POST /admin/alarms/{alarm}":          {403, 403, 403, 422, 422, 401},
	"GET /admin/exports":                  {403, 200, 403, 200, 200, 303},
	"GET /admin/exports/new":              {403, 200, 403, 200, 200, 303},
	"POST /admin/exports":                 {403, 422, 403, 422, 422, 401},
	"POST /admin/exports/trace":           {403, 403, 403, 422, 422, 401},
	"POST /admin/exports/settings":        {403, 403, 403, 403, 422, 401},
	"GET /admin/exports/{export}":         {403, 404, 403, 200, 200, 303},
	"POST /admin/exports/{export}/decide": {403, 403, 403, 303, 303, 401},
	"GET /admin/exports/{export}/file":    {403, 404, 403, 404, 404, 303},
	"POST /admin/exports/{export}/drop":   {403, 404, 403, 303, 303, 401},

	// doors for platforms and customers
	"POST /in/{account}":            {401, 401, 401, 401, 401, 401},
	"GET /m/{link}":                 {404, 404, 404, 404, 404, 404},
	"GET /chat/{account}":           {200, 200, 200, 200, 200, 200},
	"GET /chat/{account}/widget.js": {200, 200, 200, 200, 200, 200},
	"POST /chat/{account}/start":    {415, 415, 415, 415, 415, 415},
	"GET /chat/{account}/messages":  {401, 401, 401, 401, 401, 401},
	"POST /chat/{account}/messages": {401, 401, 401, 401, 401, 401},
	"POST /chat/{account}/taps":     {401, 401, 401, 401, 401, 401},
	"POST /chat/{account}/upload":   {401, 401, 401, 401, 401, 401},
	"POST /chat/{account}/typing":   {401, 401, 401, 401, 401, 401},
	"GET /chat/{account}/stream":    {401, 401, 401, 401, 401, 401},
	"GET /chat/{account}/card":      {401, 401, 401, 401, 401, 401},
	"POST /chat/{account}/card":     {401, 401, 401, 401, 401, 401},
	"GET /chat/{account}/advisors":  {401, 401, 401, 401, 401, 401},
	"POST /chat/{account}/advisors": {401, 401, 401, 401, 401, 401},
	"GET /liff/{account}":           {404, 404, 404, 404, 404, 404},
	"GET /my/{token}":               {404, 404, 404, 404, 404, 404},
	"POST /my/{token}":              {404, 404, 404, 404, 404, 404},
	"POST /my/{token}/one-click":    {422, 422, 422, 422, 422, 422},
	"POST /liff/{account}/scan":     {404, 404, 404, 404, 404, 404},
	"POST /liff/{account}/choose":   {404, 404, 404, 404, 404, 404},
	"POST /liff/{account}/answer":   {404, 404, 404, 404, 404, 404},
}

// formOf completes requests that would be refused for what they lack before anybody
// looked at whose they are.
var formOf = map[string]string{
	"GET /inbox/{thread}/messages":  "before=9000000000000000.z",
	"POST /inbox/{thread}/messages": "key=k&text=hello",

	"POST /again": "again_demo=1",

	"POST /inbox/{thread}/card/known/{name}": "value=Yijun",
	"POST /inbox/{thread}/card/notes/{row}":  "body=changed",
}

// fixtures are the values for the path of a route, of one asker's own: what one
// deletes must not be missed by the next.
type fixtures map[string]string

func (f fixtures) path(pattern string) string {
	path := regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllStringFunc(pattern, func(name string) string { return f[strings.Trim(name, "{}")] })
	return strings.Replace(path, "{$}", "", 1)
}

// prepare makes one of everything that a path can name, for an asker.
func (h *adminHouse) prepare(asker string) fixtures {
	h.t.Helper()
	thread := h.says("U"+asker, "hello from "+asker)
	f := fixtures{"thread": thread.ID, "message": h.fails(thread, "an answer to "+asker).ID, "link": "nonsense", "delivery": "edl_" + asker}
	f["part"], f["name"], f["passkey"], f["purpose"] = "tags", "address_as", "psk_none", "marketing"
	f["customer"], f["request"], f["file"] = thread.CustomerID, "prq_none", "pfl_none"
	h.write(func(tx *db.Tx) error {
		sys := staff.System()
		if err := h.Desk.Book.EnsureDefaults(tx); err != nil {
			return err
		}
		f["row"] = must(h.Desk.Book.AddNote(tx, sys, customer.NoteForm{CustomerID: thread.CustomerID, CounterID: h.Counter, Body: "n"})).ID
		store := must(staff.SaveStore(tx, sys, staff.StoreForm{Name: "store of " + asker}))
		brand := must(staff.SaveBrand(tx, sys, staff.BrandForm{Name: "brand of " + asker}))
		elsewhere := must(staff.SaveBrand(tx, sys, staff.BrandForm{Name: "another brand of " + asker}))
		f["store"] = must(staff.SaveStore(tx, sys, staff.StoreForm{Name: "empty store of " + asker})).ID
		f["brand"] = brand.ID
		f["counter"] = must(staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: elsewhere.ID})).ID
		f["staff"] = must(staff.SaveStaff(tx, sys, staff.StaffForm{Name: "P", Email: asker + "@new.test", Role: staff.Advisor})).ID
		f["account"] = must(h.Desk.SaveAccount(tx, sys, conversation.AccountForm{Channel: channel.WebChat, Name: "web", CounterID: h.Counter})).ID
		card := must(h.Desk.SaveCard(tx, sys, conversation.CardForm{AccountID: f["account"], CounterID: h.Counter, AdvisorID: map[string]string{"advisor": h.Advisor}[asker]}))
		f["card"], f["file"] = card.ID, card.ID+".svg"
		f["reply"] = must(h.Desk.SaveReply(tx, sys, conversation.Reply{Title: "t", Text: "x", CounterID: h.Counter})).ID
		_, token, err := staff.CreateToken(tx, sys, "t", staff.Scopes())
		if err != nil {
			return err
		}
		f["token"] = token.ID
		endpoint, _, err := h.Hooks.Save(tx, sys, webhook.Form{Name: "e", URL: "https://x.example/"})
		if err != nil {
			return err
		}
		f["endpoint"] = endpoint.ID
		f["attribute"] = must(h.Desk.Book.SaveAttributeDef(tx, sys, customer.AttributeDef{Name: "attribute_" + asker, Type: customer.TypeText})).ID
		f["tag"] = must(h.Desk.Book.SaveTag(tx, sys, customer.Tag{Name: "tag_" + asker})).ID
		products := must(h.Shop.Upsert(tx, sys, []catalogue.ProductForm{{Ref: "P-" + asker, Name: "p", Variants: []catalogue.VariantForm{{SKU: "S-" + asker}}}}))
		f["product"] = products[0].ID
		f["variant"] = must(h.Shop.VariantBySKU(tx, "S-"+asker)).ID
		leaver := must(staff.SaveStaff(tx, sys, staff.StaffForm{Name: "L", Email: asker + "@leaves.test", Role: staff.Advisor, Counters: []string{h.Counter}}))
		f["handover"] = must(h.Hands.Plan(tx, sys, handover.Form{LeaverID: leaver.ID, Kind: handover.Leaves, Ends: tx.Now.Add(48 * time.Hour)})).ID
		f["language"] = "en"
		f["version"] = must(h.Reader.SaveDraft(tx, sys, insight.Draft{Language: "en", YAML: smallLexicon})).ID
		_, err = tx.Exec(`INSERT INTO endpoint_delivery (id, endpoint_id, event_seq, kind, state, at) VALUES ($1, $2, 1, 'message.received', 'failed', $3)`,
			f["delivery"], endpoint.ID, db.Micro(tx.Now))
		return err
	})
	f["alarm"], f["export"] = "alm_"+asker, "exp_"+asker
	h.write(func(tx *db.Tx) error {
		reason := must(h.Desk.Vault.SealHouse("export.reason", []byte("for this test")))
		if _, err := tx.Exec(`INSERT INTO export (id, kind, code, reason, state, by, at) VALUES ($1, 'audit', $3, $2, 'waiting', 'stf_somebody', 1)`, f["export"], reason, ("EXP" + strings.ToUpper(asker) + "XXXXX")[:8]); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO alarm (id, rule, actor, role, n, bound, first_at, last_at, since_seq, until_seq) VALUES ($1, 'opened', $1, 'advisor', 1, 1, 1, 1, 1, 1)`, f["alarm"])
		return err
	})
	f["import"] = must(h.Shop.Upload(context.Background(), staff.System(), catalogue.ImportUpload{Kind: catalogue.ImportProducts, Name: "p.csv",
		From: strings.NewReader("ref,name\nR1,Balm\n")})).ID
	return f
}

// session signs somebody in at another browser, and gives that session's id.
func (h *adminHouse) session(staffID string) (id string) {
	h.t.Helper()
	if staffID == "" {
		return "ses_none"
	}
	h.as(h.t, staffID)
	h.read(func(tx *db.Tx) error {
		sessions, err := staff.Sessions(tx, staffID)
		id = sessions[0].ID
		return err
	})
	return id
}

// ends tells of the routes after which something is gone: they are tried last.
func ends(pattern string) bool {
	return slices.ContainsFunc([]string{"/close", "/end", "/delete"}, func(end string) bool { return strings.HasSuffix(pattern, end) })
}

func TestEveryRouteAsEveryRole(t *testing.T) {
	stopping := make(chan struct{})
	close(stopping) // streams begin and end
	h := newAdminHouse(t, func(d *Deps) { d.Stopping, d.Events = stopping, event.NewLog(d.DB) })
	people := map[string]string{"advisor": h.Advisor, "manager": h.Manager, "marketing": h.Marketing, "privacy": h.Privacy, "admin": h.Admin, "nobody": ""}
	given := map[string]fixtures{}
	for asker := range people {
		given[asker] = h.prepare(asker)
	}
	routes := h.routes()
	slices.SortStableFunc(routes, func(a, b route) int { return cmp.Compare(number(ends(a.pattern)), number(ends(b.pattern))) })
	seen := map[string]bool{}
	for n, rt := range routes {
		seen[rt.pattern] = true
		want, listed := answersTo[rt.pattern]
		if !listed {
			t.Errorf("%s is not in the table", rt.pattern)
		}
		var got [len(askers)]int
		for i, asker := range askers {
			f := given[asker]
			if strings.Contains(rt.pattern, "{job}") { // retried or discarded, it is gone
				f["job"] = fmt.Sprintf("job_%s_%d", asker, n)
				h.dead(f["job"], "quota")
			}
			if strings.Contains(rt.pattern, "{session}") { // others may have been ended
				f["session"] = h.session(people[asker])
			}
			got[i] = h.asks(people[asker], f.path(rt.pattern), formOf[rt.pattern]+"&email="+asker+"@nowhere.test")
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", rt.pattern, columns(got), columns(want))
		}
	}
	for pattern := range answersTo {
		if !seen[pattern] {
			t.Errorf("the table has %q, which is no route", pattern)
		}
	}
}

// asks sends a request in a session of its own, because some routes end it, and
// gives the status of the answer.
func (h *adminHouse) asks(staffID, pattern, form string) int {
	h.t.Helper()
	b := newBrowser(h.t, h)
	if staffID != "" {
		b = h.as(h.t, staffID)
	}
	method, path, found := strings.Cut(pattern, " ")
	switch {
	case !found: // "/": whatever no other route knows
		return b.get("/nowhere").Code
	case method == http.MethodPost:
		return b.do(method, path, strings.NewReader(form)).Code
	}
	return b.get(path + "?" + form).Code
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func columns(codes [len(askers)]int) string {
	var out strings.Builder
	for i, code := range codes {
		fmt.Fprintf(&out, "%s %d  ", askers[i], code)
	}
	return out.String()
}
